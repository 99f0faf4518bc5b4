/**
 * Names that are made of the path to a tensor repeat all that leads there: a megabyte of nested groups with long names, and a hundred thousand
 * arrays in the innermost one, would be gigabytes of names.
 */
import { overLimit } from './refusal.ts'

/** Of all names of a file together; 200,000 of a hundred characters have a third of it. */
const maxNameCharacters = 64_000_000

/** Keeps the account of a file. Told of a name before it is put together. */
type NameMeter = (parts: readonly string[]) => void

/** @throws AppError `over-limit` of the meter */
export function nameMeter(where: string): NameMeter {
  let characters = 0
  return (parts) => {
    for (const { length } of parts) characters += length
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
