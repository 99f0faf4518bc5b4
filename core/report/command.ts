/** A run as a line for the shell: the flags that differ from their defaults, and nothing else. */
import type { RankRule, RecipeInput } from '../contract.ts'
import { type ParamEntry, paramEntries, type Unit } from '../param-entries.ts'
import { defaultParams, factorizationKeys, paramKeys, rankKeys } from '../params.ts'
import { type AdapterForm, defaultStyle } from '../styles.ts'

interface RunCommand {
  /** Paths, or file names: then the line is for the folder they lie in. */
  readonly sourcePath: string
  readonly target: string
  readonly recipe: RecipeInput
  /** Of the statistics that the recipe names, where they are known. */
  readonly statisticsPath?: string | null | undefined
  /** How the command line is called; `ghostsvd` where it is not known. */
  readonly program?: readonly string[]
  /** Of the machine where the line will be run; a POSIX shell's where it is not known. */
  readonly platform?: string
}

export function compressCommand({
  sourcePath,
  target,
  recipe,
  statisticsPath,
  program = ['ghostsvd'],
  platform = '',
}: RunCommand): string {
  const quoted = quoteOf(platform)
  return [
    ...program.map(quoted),
    'compress',
    quoted(asPath(sourcePath)),
    flag('--out', asPath(target), quoted),
    ...(statisticsPath == null ? [] : [flag('--statistics', asPath(statisticsPath), quoted)]),
    ...changedFlags(recipe, platform),
  ].join(' ')
}

interface AdapterCommand extends Omit<RunCommand, 'sourcePath' | 'recipe' | 'statisticsPath'> {
  /** Base and tuned, or the adapter. */
  readonly sources: readonly string[]
  /** The model that an adapter is measured beside; null: none. */
  readonly relativeTo: string | null
  /** null: the one an adapter has. */
  readonly form: AdapterForm | null
  readonly recipe: Pick<RecipeInput, 'params' | 'include' | 'exclude' | 'pins'>
  readonly convRank: number | null
  readonly whole: 'list' | 'save'
  readonly oneRank: boolean
  readonly rule: RankRule | null
}

/** The same for `extract` and `resize`. */
export function adapterCommand(run: AdapterCommand): string {
  const { sources, relativeTo, form, target, recipe, convRank, whole, oneRank, rule } = run
  const { program = ['ghostsvd'], platform = '' } = run
  const quoted = quoteOf(platform)
  const { params, include, exclude } = recipe
  const ofPair = sources.length > 1
  const known = ofPair ? [...rankKeys, ...factorizationKeys] : rankKeys
  const changed = paramKeys.filter((key) => known.includes(key) && params[key] !== defaultParams[key])
  return [
    ...program.map(quoted),
    ofPair ? 'extract' : 'resize',
    ...sources.map((path) => quoted(asPath(path))),
    ...(form === null ? [] : [flag('--to', form, quoted)]),
    flag('--out', asPath(target), quoted),
    ...(relativeTo === null ? [] : [flag('--relative-to', asPath(relativeTo), quoted)]),
    ...changed.map((key) => paramFlag(paramEntries[key], params[key], quoted)),
    ...(rule ? [flag(`--sv-${rule.rule}`, String(rule.value), quoted)] : []),
    ...(convRank === null ? [] : [flag('--conv-rank', String(convRank), quoted)]),
    ...(ofPair && whole === 'save' ? ['--whole save'] : []),
    ...(oneRank ? ['--one-rank'] : []),
    ...include.map((pattern) => flag('--include', pattern, quoted)),
    ...exclude.map((pattern) => flag('--exclude', pattern, quoted)),
    ...(recipe.pins ?? []).map(({ match, rank }) => flag('--pin', `${match}=${rank}`, quoted)),
  ].join(' ')
}

/** What differs from the defaults, as flags. */
export function changedFlags({ params, output, include, exclude, pins = [] }: RecipeInput, platform = ''): string[] {
  const quoted = quoteOf(platform)
  const changed = paramKeys.filter((key) => params[key] !== defaultParams[key])
  return [
    ...(output === defaultStyle ? [] : [flag('--output', output, quoted)]),
    ...changed.map((key) => paramFlag(paramEntries[key], params[key], quoted)),
    ...include.map((pattern) => flag('--include', pattern, quoted)),
    ...exclude.map((pattern) => flag('--exclude', pattern, quoted)),
    ...pins.map(({ match, rank }) => flag('--pin', `${match}=${rank}`, quoted)),
  ]
}

function paramFlag(entry: ParamEntry, value: number | string | boolean, quoted: Quote): string {
  // A switch is only ever there to leave its default.
  if (typeof value === 'boolean') return entry.flag
  if (typeof value === 'string') return flag(entry.flag, value, quoted)
  const unit = 'unit' in entry ? entry.unit : undefined
  return flag(entry.flag, unit ? withUnit(value, unit) : String(value), quoted)
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
function flag(name: string, value: string, quoted: Quote): string {
  return value.startsWith('-') ? `${name}=${quoted(value)}` : `${name} ${quoted(value)}`
}

function asPath(name: string): string {
  return name.startsWith('-') ? `./${name}` : name
}

type Quote = (text: string) => string

function quoteOf(platform: string): Quote {
  return platform === 'win32' ? quotedForWindows : quotedForPosix
}

/** What a terminal acts on when it is pasted, quotes or not, and what makes a line look like another. */
const unprintable = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu

function quotedForPosix(text: string): string {
  // A name comes from a file: a Ctrl+C in it would end the line, and what follows would run.
  if (text.search(unprintable) >= 0) return `$'${text.replace(/['\\]/g, '\\$&').replace(unprintable, inOctal)}'`
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

function inOctal(character: string): string {
  return [...new TextEncoder().encode(character)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')
}

/**
 * For cmd and PowerShell, which share the double quote; cmd passes a single one on. A backslash before a double quote belongs to it, by the
 * rules of the program that reads the line. What is between two % or after a $ one of the two replaces all the same: nothing that both
 * understand prevents that. Control characters are in no path there; in a pattern a question mark stands for one.
 */
function quotedForWindows(text: string): string {
  if (/^[\w@+=:./\\-]+$/.test(text)) return text
  return `"${text.replace(unprintable, '?').replace(/(\\*)("|$)/g, (_, slashes, end) => slashes + slashes + (end && `\\"`))}"`
}
