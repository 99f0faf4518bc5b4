/** The desktop's texts in the user's language: a key and its values, checked by the compiler. */
import { type Language, languageOf, type Settings } from '../../../core/contract.ts'
import { desktop as chinese } from './chinese.ts'
import { desktop as english, type Key, type Translation } from './english.ts'

/** The text of a key. */
export type Say = <K extends Key>(key: K, ...values: Parameters<(typeof english)[K]>) => string

const catalogs: Readonly<Record<Language, Translation>> = { en: english, 'zh-CN': chinese }

export function sayIn(language: Language): Say {
  return (key, ...[values]) => catalogs[language][key](values as never)
}

/** @param preferred languages of the system, the first choice first */
export function sayFor({ language }: Settings, preferred: readonly string[]): Say {
  return sayIn(languageOf(language, preferred))
}
