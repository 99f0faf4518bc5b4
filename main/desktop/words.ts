/** The desktop's texts in the user's language. */
import { languageOf, type Settings } from '../../core/contract.ts'
import { type Key, say, type ValuesOf } from '../../core/messages/english.ts'
import { type Language, sentencesIn } from '../../core/messages/languages.ts'
import type { Message, NoValues } from '../../core/messages/message.ts'

export interface Say {
  /** The text of a key. */
  <K extends Key>(key: K, ...values: ValuesOf<K> extends NoValues ? [] : [values: ValuesOf<K>]): string
  /** What somebody else said: the sentences of an error. */
  said(messages: readonly Message[]): string
}

export function sayIn(language: Language): Say {
  const said = sentencesIn(language)
  return Object.assign((...given: Parameters<typeof say>) => said(say(...given)), { said }) as Say
}

/** @param preferred languages of the system, the first choice first */
export function sayFor({ language }: Settings, preferred: readonly string[]): Say {
  return sayIn(languageOf(language, preferred))
}
