/** Flags of the command line, generated from the one table of parameters. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type ParamEntry, type ParamKey, type Params, paramEntries, paramsSchema } from '../../core/params.ts'

export const allParams = Object.keys(paramEntries) as ParamKey[]

/** What determines a factorization; the rest is about writing it. */
export const factorizationParams: readonly ParamKey[] = [
  'method',
  'algorithm',
  'rank',
  'oversample',
  'nIter',
  'tolerance',
  'seed',
  'threads',
  'kernel',
]

export function addParamFlags(command: Command, keys: readonly ParamKey[]): Command {
  for (const key of keys) command.addOption(paramOption(paramEntries[key]))
  return command
}

/** Complete Params from a command's options; a flag that was not given takes the table's default. */
export function paramsFrom(command: Command, keys: readonly ParamKey[]): Params {
  const given: Partial<Record<ParamKey, unknown>> = {}
  for (const key of keys) {
    const value: unknown = command.getOptionValue(paramOption(paramEntries[key]).attributeName())
    if (value !== undefined) given[key] = value
  }
  return paramsSchema.parse(given)
}

function paramOption(entry: ParamEntry): Option {
  const help = `${entry.help} (default: ${entry.default})`
  if (entry.type === 'boolean') return new Option(entry.flag, help)
  const option = new Option(`${entry.flag} <${entry.type === 'choice' ? 'choice' : 'number'}>`, help)
  if (entry.type === 'choice') return option.choices(entry.choices)
  return option.argParser((text) => numberWithin(text, entry.min, entry.max, entry.type === 'int'))
}

/** @throws InvalidArgumentError, which commander turns into wrong usage */
export function numberWithin(text: string, min: number, max: number, whole: boolean): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!Number.isFinite(value) || (whole && !Number.isSafeInteger(value))) {
    throw new InvalidArgumentError(`Expected a ${whole ? 'whole ' : ''}number.`)
  }
  if (value < min || value > max) throw new InvalidArgumentError(`Expected ${min} to ${max}.`)
  return value
}

export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => numberWithin(text, min, max, true)
}

/** For flags that may be given several times. */
export function collect(value: string, before: readonly string[]): string[] {
  return [...before, value]
}
