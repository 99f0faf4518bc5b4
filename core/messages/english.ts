/** The English of every message. It is what `error.message`, `--json`, reports and the command line say; its keys are the keys there are. */
import { adapters } from './english/adapters.ts'
import { answers } from './english/answers.ts'
import { desktop } from './english/desktop.ts'
import { device } from './english/device.ts'
import { engine } from './english/engine.ts'
import { files } from './english/files.ts'
import { forecast } from './english/forecast.ts'
import { formats } from './english/formats.ts'
import { general } from './english/general.ts'
import { graph } from './english/graph.ts'
import { hosts } from './english/hosts.ts'
import { nothing } from './english/nothing.ts'
import { phases } from './english/phases.ts'
import { plan } from './english/plan.ts'
import { readers } from './english/readers.ts'
import { report } from './english/report.ts'
import { requests } from './english/requests.ts'
import { runs } from './english/runs.ts'
import { start } from './english/start.ts'
import { statistics } from './english/statistics.ts'
import type { Act, Message, NoValues, Values, Words } from './message.ts'
import { numbersIn } from './numbers.ts'
import { foreign } from './text.ts'

export const english = {
  ...adapters,
  ...answers,
  ...desktop,
  ...device,
  ...engine,
  ...files,
  ...forecast,
  ...formats,
  ...general,
  ...graph,
  ...hosts,
  ...nothing,
  ...phases,
  ...plan,
  ...readers,
  ...report,
  ...requests,
  ...runs,
  ...start,
  ...statistics,
}

export type Key = keyof typeof english
/** The values of a message, as its English sentence declares them. */
export type ValuesOf<K extends Key> = Parameters<(typeof english)[K]> extends [infer V, ...unknown[]] ? V : NoValues
/** What every other language has to say. */
export type Translation = { readonly [K in Key]: (values: ValuesOf<K>, words: Words) => string }

/** A message. Its values are those of its English sentence: a missing or a wrong one does not compile. */
export function say<K extends Key>(
  key: K,
  ...[values]: ValuesOf<K> extends NoValues ? [] : [values: ValuesOf<K>]
): Message {
  return { key, values: (values ?? {}) as Values } as Message
}

const acts: Readonly<Record<Act, string>> = {
  overwrite: 'overwrite it with --force',
  include: 'it is named with --include',
  plan: '`plan`',
  resume: '--resume',
  'int8-factors': '--factor-dtype INT8',
  'max-rank': '--max-rank',
  'dense-int8': '--dense-dtype INT8',
  statistics: '--statistics',
}

/** A terminal searches and copies plain spaces. */
export const terminalNumbers = numbersIn('en', ' ')

const commandLine: Words = {
  ...terminalNumbers,
  place: 'command line',
  text: inEnglish,
  act: (action) => acts[action],
  shape: (lengths) => lengths.join(' x '),
  list: (items, of = items.length) => items.join(', ') + (of > items.length ? ` and ${of - items.length} more` : ''),
}

/** Several sentences where one message is wanted. */
export function all(said: readonly Message[]): Message {
  const [first, ...others] = said
  return first && others.length === 0 ? first : say('all', { said })
}

/** Makes messages that say the same one object: to another process it then goes once, however many tensors it is said of. */
export function shareEqual(): (message: Message) => Message {
  const known = new Map<string, Message>()
  return (message) => {
    const text = JSON.stringify(message)
    const first = known.get(text)
    if (!first) known.set(text, message)
    return first ?? message
  }
}

/** Each message once: two are the same where they say the same. */
export function distinct(said: readonly Message[]): Message[] {
  return [...new Map(said.map((each) => [inEnglish(each), each])).values()]
}

/** Sentences as the command line says them. */
export function inEnglish(said: Message | readonly Message[]): string {
  return sentences(english, commandLine, said, ' ')
}

/** One sentence, or several in a row. */
export function sentences(
  catalog: Translation,
  words: Words,
  said: Message | readonly Message[],
  between: string,
): string {
  const each = 'key' in said ? [said] : said
  return each.map(({ key, values }) => catalog[key as Key](values as never, words)).join(between)
}

/** Whether a value that was not made here is a message whose key is known. */
export function isMessage(value: unknown): value is Message {
  return (
    typeof value === 'object' &&
    value !== null &&
    'key' in value &&
    'values' in value &&
    typeof value.key === 'string' &&
    Object.hasOwn(english, value.key)
  )
}

/** For `JSON.stringify`: messages become their English, for machines and for tables. What several places share is put into words once. */
export function toEnglish(): (key: string, value: unknown) => unknown {
  const said = new Map<unknown, string>()
  return (_, value) => {
    if (!isMessage(value)) return value
    const known = said.get(value)
    if (known !== undefined) return known
    const sentence = inEnglish(value)
    said.set(value, sentence)
    return sentence
  }
}

/** For `JSON.stringify`: messages keep their English beside them, so that another version can show what it has no key for. */
export function withEnglish(_: string, value: unknown): unknown {
  return isMessage(value) ? { ...value, english: inEnglish(value) } : value
}

/** A message that was read back: it is understood where it still says what it said when it was written, and else shown as it was. */
export function reread(message: Message, english: string): Message {
  if (isMessage(message) && saysStill(message, english)) return message
  return say('foreign', { text: foreign(english) })
}

function saysStill(message: Message, text: string): boolean {
  try {
    return inEnglish(message) === text
  } catch {
    // Values of another version: a sentence of this one cannot be made of them.
    return false
  }
}
