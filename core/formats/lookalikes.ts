/**
 * What a file looks like that no reader takes: people rename, downloads fail half-way, pointers stand in for the files they point to. A
 * sentence that names what is really there saves the search.
 */
import { type Key, say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { type FileName, foreign } from '../messages/text.ts'

type Named = (name: FileName) => Message

interface Lookalike {
  readonly said: Named
  readonly matches: (head: Uint8Array) => boolean
}

const bytesAt =
  (offset: number, ...bytes: number[]) =>
  (head: Uint8Array) =>
    bytes.every((byte, i) => head[offset + i] === byte)

const textAt = (offset: number, text: string) => bytesAt(offset, ...new TextEncoder().encode(text))

const firstWord = (pattern: RegExp) => (head: Uint8Array) =>
  pattern.test(new TextDecoder('latin1').decode(head.subarray(0, 512)))

const text: Named = (name) => say('lookalike.text', { name })
const picture =
  (kind: string): Named =>
  (name) =>
    say('lookalike.picture', { name, picture: foreign(kind) })
const archive =
  (kind: string): Named =>
  (name) =>
    say('lookalike.packed', { name, archive: foreign(kind) })
const other =
  (kind: Extract<Key, `kind.${string}`>): Named =>
  (name) =>
    say('lookalike.other', { name, what: say(kind) })

/** First match wins, so the more particular come first. */
const lookalikes: readonly Lookalike[] = [
  { said: (name) => say('lookalike.lfs-pointer', { name }), matches: textAt(0, 'version https://git-lfs') },
  { said: picture('JPEG'), matches: bytesAt(0, 0xff, 0xd8, 0xff) },
  { said: picture('PNG'), matches: bytesAt(0, 0x89, 80, 78, 71) },
  { said: picture('GIF'), matches: textAt(0, 'GIF8') },
  { said: picture('RIFF'), matches: textAt(0, 'RIFF') },
  { said: other('kind.pdf'), matches: textAt(0, '%PDF') },
  { said: archive('gzip'), matches: bytesAt(0, 0x1f, 0x8b) },
  { said: archive('bzip2'), matches: textAt(0, 'BZh') },
  { said: archive('xz'), matches: bytesAt(0, 0xfd, 55, 122, 88, 90, 0) },
  { said: archive('Zstandard'), matches: bytesAt(0, 0x28, 0xb5, 0x2f, 0xfd) },
  { said: archive('7-Zip'), matches: bytesAt(0, 55, 122, 0xbc, 0xaf) },
  { said: archive('RAR'), matches: textAt(0, 'Rar!') },
  { said: archive('tar'), matches: textAt(257, 'ustar') },
  { said: other('kind.zip-without-weights'), matches: bytesAt(0, 80, 75, 3, 4) },
  { said: other('kind.empty-zip'), matches: bytesAt(0, 80, 75, 5, 6) },
  { said: (name) => say('lookalike.matlab', { name }), matches: textAt(0, 'MATLAB 5.0') },
  { said: other('kind.old-ggml'), matches: firstWord(/^(lmgg|tjgg|fmgg|algg)/) },
  { said: (name) => say('lookalike.tflite', { name }), matches: textAt(4, 'TFL3') },
  { said: other('kind.program'), matches: firstWord(/^(\x7fELF|MZ)/) },
  { said: other('kind.sqlite'), matches: textAt(0, 'SQLite format 3') },
  {
    said: (name) => say('lookalike.web-page', { name }),
    matches: firstWord(/^\s*<(!doctype|html|head|body)/i),
  },
  { said: text, matches: firstWord(/^\s*<\?xml/) },
  { said: text, matches: firstWord(/^\s*[{[]\s*(["\]}[{]|\d|$)/) },
  {
    said: (name) => say('lookalike.zeros', { name }),
    matches: (head) => head.byteLength >= 16 && head.every((byte) => byte === 0),
  },
  {
    said: text,
    matches: (head) =>
      head.byteLength >= 16 && head.every((byte) => (byte >= 32 && byte < 127) || (byte >= 9 && byte <= 13)),
  },
]

/** What a file with these first bytes looks like; null when it looks like nothing known. */
export function looksLike(name: FileName, head: Uint8Array): Message | null {
  if (head.byteLength === 0) return say('lookalike.empty', { name })
  return lookalikes.find(({ matches }) => matches(head))?.said(name) ?? null
}
