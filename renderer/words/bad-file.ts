/**
 * What readers say of a file they refuse is terse and exact: `where: expected ..., got ...`, for the command line and for whoever made the
 * file. The page says what it is and what to do; where it has no words for that, the readers' own stand behind its sentence.
 */

/** Nothing like a weight file: what it looks like instead. */
const looksLike = (what: string) => new RegExp(`^(?<name>.+): expected a weight file(?: \\(.+\\))?, got ${what}`)

export const badFilePatterns = [
  [looksLike('(?:plain text|JSON text|an XML document)'), 'text'],
  [looksLike('an empty file'), 'empty'],
  [looksLike('a Git LFS pointer'), 'lfsPointer'],
  [looksLike('a web page'), 'webPage'],
  [looksLike('an? .+ archive: unpack it first'), 'packed'],
  [looksLike('zero bytes'), 'zeros'],
  [looksLike('an? \\w+ picture'), 'picture'],
  [looksLike('(?<what>.+)$'), 'otherFile'],
  [/^(?<name>.+): expected a header that fits in the file's \d+ bytes, got a header length of \d+$/, 'headerBeyond'],
  [
    /^(?<name>[^:]+): .*expected data inside the (?<hasBytes>\d+) bytes after the header, got data up to byte (?<needsBytes>\d+):/,
    'cutShort',
  ],
  [
    /^(?<name>[^:]+): expected (?<needsBytes>\d+) bytes of values \(.+\), got (?<hasBytes>\d+) bytes after the header$/,
    'wrongLength',
  ],
  [/^(?<name>.+): expected a zip directory at the end, got none: the file is cut short/, 'zipCutShort'],
  [/^(?<name>[^:]+): it has no tensor that is read\. .*\(dtype (?<dtype>"[^"]*")\)/, 'unknownDtype'],
  [/^(?<name>.+): it holds Python objects \(a pickle\) instead of numbers/, 'objects'],
] as const

/** The name of a file that contradicts its format, and in what, as its reader says it. */
export function damage(message: string): { name: string; detail: string } | null {
  const found = /^(?<name>[^:]+): (?<detail>.*expected .+, got .+)$/.exec(message)
  return found ? { name: found.groups!.name!, detail: found.groups!.detail!.replace(/\.$/, '') } : null
}
