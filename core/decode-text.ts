/** Text files that people write: UTF-8, or what editors and shells of Windows make of it - a byte order mark in front, or UTF-16. */
export function decodeText(bytes: Uint8Array): string {
  // A decoder takes the mark of its own encoding off.
  return new TextDecoder(encodingOf(bytes)).decode(bytes)
}

/** A file of UTF-16 begins with a byte order mark: FF FE where the low byte comes first. */
function encodingOf([first, second]: Uint8Array): string {
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  return 'utf-8'
}
