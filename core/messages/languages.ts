/** Sentences as people read them in the page and in the notifications of the desktop, in either language. */
import { chinese } from './chinese.ts'
import { english, sentences } from './english.ts'
import type { Act, Message, Words } from './message.ts'

export const languages = ['en', 'zh-CN'] as const
export type Language = (typeof languages)[number]

const catalogs = { en: english, 'zh-CN': chinese } as const
/** Chinese sentences end in their own space. */
const between = { en: ' ', 'zh-CN': '' } as const
const acts: Readonly<Record<Language, Readonly<Record<Act, string>>>> = {
  en: { overwrite: 'allow it to be replaced' },
  'zh-CN': { overwrite: '允许替换它' },
}

export function sentencesIn(language: Language): (said: Message | readonly Message[]) => string {
  const words: Words = {
    text: (said) => sentences(catalogs[language], words, said, between[language]),
    act: (action) => acts[language][action],
  }
  return words.text
}
