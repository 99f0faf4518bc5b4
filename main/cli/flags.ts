/** Flags of the command line, generated from the one table of parameters. */
import { type Command, Option } from 'commander'
import { say } from '../../core/messages/english.ts'
import { foreign } from '../../core/messages/text.ts'
import { type ParamEntry, paramEntries, type Unit } from '../../core/param-entries.ts'
import { longestName, type ParamKey, type Params, paramKeys, paramsSchema } from '../../core/params.ts'
import { wrongUsage } from './usage.ts'

export const allParams = paramKeys

export function addParamFlags(command: Command, keys: readonly ParamKey[]): Command {
  for (const key of keys) command.addOption(paramOption(paramEntries[key]))
  return command
}

/** Complete Params from a command's options over `base`, such as a recipe's; what is in neither takes the table's default. */
export function paramsFrom(command: Command, keys: readonly ParamKey[], base: Partial<Params> = {}): Params {
  const given: Partial<Record<ParamKey, unknown>> = { ...base }
  for (const key of keys) {
    const name = paramOption(paramEntries[key]).attributeName()
    if (command.getOptionValueSource(name) === 'cli') given[key] = command.getOptionValue(name)
  }
  return paramsSchema.parse(given)
}

function paramOption(entry: ParamEntry): Option {
  const help = `${entry.help} (default: ${entry.default})`
  if (entry.type === 'boolean') return new Option(entry.flag, help)
  const option = new Option(`${entry.flag} <${entry.type === 'choice' ? 'choice' : (entry.unit ?? 'number')}>`, help)
  if (entry.type === 'choice') {
    const { choices, named } = entry
    if (named === undefined) return option.choices(choices)
    return option.argParser((text) => {
      if (choices.includes(text) || isNamed(text, named)) return text
      throw wrongUsage(say('param.choice', { choices: [...choices, `${named}NAME`].map(foreign) }))
    })
  }
  const { min, max, unit, type, only } = entry
  return option.argParser((text) => {
    const value = quantityWithin(text, unit ?? null, min, max, type === 'int')
    if (only && !only.test(value)) throw wrongUsage(only.expected)
    return value
  })
}

function isNamed(text: string, named: string): boolean {
  return text.startsWith(named) && text.length > named.length && text.length <= longestName
}

/** Of shares `40%` is 0.4, of bytes `1.2GB` is 1.2e9; a size is either. What is none of them stays as it is. */
function plainNumber(text: string, unit: Unit): string {
  const percent = unit === 'bytes' ? null : /^([\d.]+)\s*%$/.exec(text)
  if (percent) return String(Number(percent[1]) / 100)
  const bytes = unit !== 'share' ? /^([\d.]+)\s*([kMGT])B?$/i.exec(text) : null
  if (!bytes) return text
  return String(Math.round(Number(bytes[1]) * 1000 ** ('KMGT'.indexOf(bytes[2]!.toUpperCase()) + 1)))
}

/** As people write it: 95% or 0.95, 1.2GB. @throws as `numberWithin` */
export function quantityWithin(text: string, unit: Unit | null, min: number, max: number, whole = false): number {
  return numberWithin(unit ? plainNumber(text, unit) : text, min, max, whole)
}

/** `5%` or `0.05`, from 0 to 1. @throws InvalidArgumentError */
export function shareIn(text: string): number {
  return quantityWithin(text, 'share', 0, 1)
}

/** @throws InvalidArgumentError, which commander turns into wrong usage */
export function numberWithin(text: string, min: number, max: number, whole: boolean): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!Number.isFinite(value) || (whole && !Number.isSafeInteger(value))) {
    throw wrongUsage(say(whole ? 'param.whole-number' : 'param.number'))
  }
  if (value < min || value > max) throw wrongUsage(say('param.range', { min, max }))
  return value
}

export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => numberWithin(text, min, max, true)
}

/** For flags that may be given several times. */
export function collect(value: string, before: readonly string[]): string[] {
  return [...before, value]
}
