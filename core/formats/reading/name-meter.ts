/**
 * Names that are made of the path to a tensor repeat all that leads there: a megabyte of nested groups with long names, and a hundred thousand
 * arrays in the innermost one, would be gigabytes of names.
 */
import { overLimit } from './refusal.ts'

/**
 * Of one name or key. V8 takes no more of a string than this for its hash: thousands of longer ones that differ at their ends are all in one place of a
 * table, and each is held against each.
 */
const maxNameLength = 16_000

/** @throws AppError `over-limit` */
export function refuseLongName(where: string, length: number): void {
  if (length > maxNameLength)
    throw overLimit(where, 'characters in a name', maxNameLength, length, 'no published file comes near it')
}

/** Of all names of a file together; 200,000 of a hundred characters have a third of it. */
const maxNameCharacters = 64_000_000

/** Keeps the account of a file. Told of a name before it is put together. */
type NameMeter = (parts: readonly string[]) => void

/** @throws AppError `over-limit` of the meter */
export function nameMeter(where: string): NameMeter {
  let characters = 0
  return (parts) => {
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    refuseLongName(where, length)
    characters += length
    if (characters > maxNameCharacters)
      throw overLimit(where, 'characters of names', maxNameCharacters, characters, 'no published model comes near it')
  }
}

/** Such names, put together. @throws AppError `over-limit` of what it makes */
export function pathNames(where: string, between: string): (path: readonly string[]) => string {
  const meter = nameMeter(where)
  return (path) => {
    meter(path)
    return path.join(between)
  }
}
