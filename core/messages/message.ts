/**
 * What the engine and the hosts have to say, as data: the key of a sentence and the values in it. Sentences are written in the catalogs of
 * this folder, one a room and language; `say` (english.ts) is the only maker of messages, and holds the values to the key.
 */

export interface Message {
  readonly key: string
  readonly values: Values
  readonly [made]: true
}
declare const made: unique symbol

/** Survive JSON. Numbers stay numbers: the sentence chooses their unit. */
export type Values = Readonly<Record<string, Value>>
export type Value = string | number | boolean | null | Message | readonly Value[]

/** Of a sentence that is always the same. */
export type NoValues = Readonly<Record<string, never>>

/** What a sentence needs of its language and of the place where it is read. */
export interface Words {
  readonly place: 'command line' | 'page'
  /** A message inside another one, or several sentences in a row. */
  text(said: Message | readonly Message[]): string
  /** What to do, as it is done here: by a flag of the command line, or in the page. */
  act(action: Act): string
  /** 12,345 */
  count(value: number): string
  /** 1.60 GB */
  bytes(value: number): string
  /** 0.1243 -> "12.43 %" */
  percent(share: number): string
  /** By how much something grows: "5.00 %", "> 900 %" beyond tenfold; null: without limit. */
  increase(share: number | null): string
  /** Of a matrix or a tensor: "512 × 512" in the page, "512 x 512" in a terminal, where one types it. */
  shape(lengths: readonly number[]): string
  /** "a, b, c", or "a, b and 3 more" where these are the first of so many. */
  list(items: readonly string[], of?: number): string
}

/** What some sentences advise. Their words differ between the command line and the page. */
export type Act =
  | 'overwrite'
  | 'include'
  | 'plan'
  | 'resume'
  | 'int8-factors'
  | 'dense-int8'
  | 'max-rank'
  | 'statistics'

/** Whether it names code that loading a file would run: what nobody may overlook. */
export function isCode({ key }: Message): boolean {
  return key === 'formats.code'
}
