/**
 * GGUF files that were cut into pieces by size (`.part1of3`, `-split-a`): their bytes one behind the other are one file. Models that were split
 * by tensors are sharded.ts's.
 */
import { AppError } from '../../errors.ts'
import type { ByteSource, SourceFolder } from '../../io.ts'
import { say } from '../../messages/english.ts'
import { fileName } from '../../messages/text.ts'
import { overLimit } from '../reading/refusal.ts'

/** Each is an open file; published ones have up to about 10. */
const maxParts = 1000

/** The name of the whole file; null for a name that is no part of one. */
export function wholeOfPart(name: string): string | null {
  return /^(.+\.gguf)(?:\.part\d{1,4}of(?!0+$)\d{1,4}|-split-[a-z]{1,2})$/i.exec(name)?.[1] ?? null
}

/** All parts in order. @throws AppError `not-found` where one is missing */
export function partsOfWhole(name: string, present: ReadonlySet<string>): string[] {
  const whole = wholeOfPart(name)!
  const total = Number(/of(\d+)$/i.exec(name)?.[1] ?? 0)
  if (total > maxParts) throw overLimit(name, 'parts', maxParts, total, 'each is an open file')
  const wanted =
    total > 0
      ? Array.from({ length: total }, (_, i) => `${whole}.part${i + 1}of${total}`)
      : letters(name, whole, present)
  const missing = wanted.find((each) => !present.has(each))
  if (missing !== undefined)
    throw new AppError(
      'not-found',
      say('formats.part-missing', {
        name: fileName(name),
        count: wanted.length,
        whole: fileName(whole),
        missing: fileName(missing),
      }),
    )
  return wanted
}

/** a, b, c ... or aa, ab, ac ...: as many as are there, from the first to the last. */
function letters(name: string, whole: string, present: ReadonlySet<string>): string[] {
  const width = /-split-([a-z]+)$/i.exec(name)![1]!.length
  const prefix = name.slice(0, -width)
  const number = (each: string) =>
    [...each.slice(prefix.length).toLowerCase()].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 97, 0)
  const last = Math.max(
    ...[...present]
      .filter((each) => each.startsWith(prefix) && each.length === name.length && wholeOfPart(each) === whole)
      .map(number),
  )
  return Array.from({ length: last + 1 }, (_, i) => prefix + suffix(i, width))
}

function suffix(i: number, width: number): string {
  return width === 1 ? String.fromCharCode(97 + i) : suffix(Math.floor(i / 26), 1) + suffix(i % 26, 1)
}

/** The whole file as a source, its parts opened. */
export async function openJoined(folder: SourceFolder, name: string, parts: readonly string[]): Promise<ByteSource> {
  const sources: ByteSource[] = []
  const closeAll = async () => {
    for (const source of sources) await source.close()
  }
  try {
    for (const part of parts) sources.push(await folder.open(part))
  } catch (error) {
    await closeAll()
    throw error
  }
  return {
    name,
    byteLength: sources.reduce((sum, { byteLength }) => sum + byteLength, 0),
    slice: async (start, end) => {
      const pieces: Uint8Array[] = []
      let before = 0
      for (const source of sources) {
        const from = Math.max(start, before) - before
        const to = Math.min(end, before + source.byteLength) - before
        if (from < to) pieces.push(await source.slice(from, to))
        before += source.byteLength
      }
      const [only, ...others] = pieces
      if (only && others.length === 0) return only
      const bytes = new Uint8Array(pieces.reduce((sum, { byteLength }) => sum + byteLength, 0))
      let at = 0
      for (const piece of pieces) {
        bytes.set(piece, at)
        at += piece.byteLength
      }
      return bytes
    },
    close: closeAll,
  }
}
