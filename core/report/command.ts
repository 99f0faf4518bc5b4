/** A run as a line for the shell: the flags that differ from their defaults, and nothing else. */
import type { RecipeInput } from '../contract.ts'
import { type ParamEntry, paramEntries, type Unit } from '../param-entries.ts'
import { defaultParams, paramKeys } from '../params.ts'
import { defaultStyle } from '../styles.ts'

interface RunCommand {
  /** Paths, or file names: then the line is for the folder they lie in. */
  readonly sourcePath: string
  readonly target: string
  readonly recipe: RecipeInput
  /** How the command line is called; `ghostsvd` where it is not known. */
  readonly program?: readonly string[]
}

export function compressCommand({ sourcePath, target, recipe, program = ['ghostsvd'] }: RunCommand): string {
  return [
    ...program.map(quoted),
    'compress',
    quoted(asPath(sourcePath)),
    flag('--out', asPath(target)),
    ...changedFlags(recipe),
  ].join(' ')
}

/** What differs from the defaults, as flags. */
export function changedFlags({ params, output, include, exclude }: RecipeInput): string[] {
  const changed = paramKeys.filter((key) => params[key] !== defaultParams[key])
  return [
    ...(output === defaultStyle ? [] : [flag('--output', output)]),
    ...changed.map((key) => paramFlag(paramEntries[key], params[key])),
    ...include.map((pattern) => flag('--include', pattern)),
    ...exclude.map((pattern) => flag('--exclude', pattern)),
  ]
}

function paramFlag(entry: ParamEntry, value: number | string | boolean): string {
  // A switch is only ever there to leave its default.
  if (typeof value === 'boolean') return entry.flag
  if (typeof value === 'string') return flag(entry.flag, value)
  const unit = 'unit' in entry ? entry.unit : undefined
  return flag(entry.flag, unit ? withUnit(value, unit) : String(value))
}

/** As people write it where that is the very same number: 40%, 1.2GB. */
function withUnit(value: number, unit: Unit): string {
  if (value <= 1 && unit !== 'bytes') {
    const percent = String(Number((value * 100).toPrecision(15)))
    return /^[\d.]+$/.test(percent) && Number(percent) / 100 === value ? `${percent}%` : String(value)
  }
  if (unit === 'share') return String(value)
  for (const [name, size] of [
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
  ] as const) {
    const count = Number((value / size).toPrecision(4))
    if (count >= 1 && Math.round(count * size) === value) return `${count}${name}`
  }
  return String(value)
}

/** A value that looks like a flag is tied to its own. */
function flag(name: string, value: string): string {
  return value.startsWith('-') ? `${name}=${quoted(value)}` : `${name} ${quoted(value)}`
}

function asPath(name: string): string {
  return name.startsWith('-') ? `./${name}` : name
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
