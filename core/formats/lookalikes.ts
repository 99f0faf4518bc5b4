/**
 * What a file looks like that no reader takes: people rename, downloads fail half-way, pointers stand in for the files they point to. A
 * sentence that names what is really there saves the search.
 */

interface Lookalike {
  readonly name: string
  readonly matches: (head: Uint8Array) => boolean
}

const bytesAt =
  (offset: number, ...bytes: number[]) =>
  (head: Uint8Array) =>
    bytes.every((byte, i) => head[offset + i] === byte)

const textAt = (offset: number, text: string) => bytesAt(offset, ...new TextEncoder().encode(text))

const firstWord = (pattern: RegExp) => (head: Uint8Array) =>
  pattern.test(new TextDecoder('latin1').decode(head.subarray(0, 512)))

/** First match wins, so the more particular come first. */
const lookalikes: readonly Lookalike[] = [
  { name: 'a Git LFS pointer, not the file itself: run "git lfs pull"', matches: textAt(0, 'version https://git-lfs') },
  { name: 'a JPEG picture', matches: bytesAt(0, 0xff, 0xd8, 0xff) },
  { name: 'a PNG picture', matches: bytesAt(0, 0x89, 80, 78, 71) },
  { name: 'a GIF picture', matches: textAt(0, 'GIF8') },
  { name: 'a WebP picture or other RIFF file', matches: textAt(0, 'RIFF') },
  { name: 'a PDF document', matches: textAt(0, '%PDF') },
  { name: 'a gzip archive: unpack it first', matches: bytesAt(0, 0x1f, 0x8b) },
  { name: 'a bzip2 archive: unpack it first', matches: textAt(0, 'BZh') },
  { name: 'an xz archive: unpack it first', matches: bytesAt(0, 0xfd, 55, 122, 88, 90, 0) },
  { name: 'a Zstandard archive: unpack it first', matches: bytesAt(0, 0x28, 0xb5, 0x2f, 0xfd) },
  { name: 'a 7-Zip archive: unpack it first', matches: bytesAt(0, 55, 122, 0xbc, 0xaf) },
  { name: 'a RAR archive: unpack it first', matches: textAt(0, 'Rar!') },
  { name: 'a tar archive: unpack it first', matches: textAt(257, 'ustar') },
  { name: 'a zip archive without weights that are read here', matches: bytesAt(0, 80, 75, 3, 4) },
  { name: 'an empty zip archive', matches: bytesAt(0, 80, 75, 5, 6) },
  {
    name: 'an HDF5 file (Keras .h5), which is not read: load it and save its weights with numpy.savez or safetensors',
    matches: bytesAt(0, 0x89, 72, 68, 70),
  },
  { name: 'an old GGML model, from before GGUF, which is not read', matches: firstWord(/^(lmgg|tjgg|fmgg|algg)/) },
  {
    name: 'a TensorFlow Lite model, which is not read: convert it to ONNX (tf2onnx --tflite)',
    matches: textAt(4, 'TFL3'),
  },
  { name: 'a program', matches: firstWord(/^(\x7fELF|MZ)/) },
  { name: 'an SQLite database', matches: textAt(0, 'SQLite format 3') },
  {
    name: 'a web page (HTML), perhaps the error page of a download',
    matches: firstWord(/^\s*<(!doctype|html|head|body)/i),
  },
  { name: 'an XML document', matches: firstWord(/^\s*<\?xml/) },
  { name: 'JSON text', matches: firstWord(/^\s*[{[]\s*(["\]}[{]|\d|$)/) },
  {
    name: 'zero bytes, as a download that never arrived leaves them',
    matches: (head) => head.byteLength >= 16 && head.every((byte) => byte === 0),
  },
  {
    name: 'plain text',
    matches: (head) =>
      head.byteLength >= 16 && head.every((byte) => (byte >= 32 && byte < 127) || (byte >= 9 && byte <= 13)),
  },
]

/** What these first bytes look like, as the end of a sentence; null when they look like nothing known. */
export function looksLike(head: Uint8Array): string | null {
  if (head.byteLength === 0) return 'an empty file'
  return lookalikes.find(({ matches }) => matches(head))?.name ?? null
}
