/** Every text of the page. Keys are typed by en.json and the tables of parameters and styles; a test holds zh-CN.json to the same keys. */
import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import { languageOf, type Settings } from '../../core/contract.ts'
import { languages } from '../../core/messages/languages.ts'
import { paramEntries } from '../../core/param-entries.ts'
import { type ParamKey, paramKeys } from '../../core/params.ts'
import { styleWords } from '../../core/styles.ts'
import en from './en.json'
import zhCN from './zh-CN.json'

/** A parameter's English is that of its entry (core/param-entries.ts), whose help goes on where a flag ends; that of an output style is in its entry too. */
export const english = { ...en, params: wordsOfParams(), compress: { ...en.compress, styles: styleWords } }

function wordsOfParams() {
  const words = paramKeys.map((key) => {
    const { label, help } = paramEntries[key]
    return [key, { label, help: help.charAt(0).toUpperCase() + help.slice(1) }]
  })
  return Object.fromEntries(words) as Record<ParamKey, { label: string; help: string }>
}

// What depends on an augmentation is not rebuilt when it changes: `check:types` checks the page once more without `tsc -b`'s memory,
// so that a key that was renamed in en.json alone is found.
declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'translation'
    resources: { translation: typeof english }
  }
}

export async function startI18n(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: languageOf('system', navigator.languages),
    fallbackLng: 'en',
    supportedLngs: languages,
    resources: { en: { translation: english }, 'zh-CN': { translation: zhCN } },
    // React escapes.
    interpolation: { escapeValue: false },
  })
}

export async function speak(setting: Settings['language']): Promise<void> {
  const language = languageOf(setting, navigator.languages)
  document.documentElement.lang = language
  if (i18next.language !== language) await i18next.changeLanguage(language)
}
