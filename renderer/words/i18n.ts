/** Every text of the page. Keys are typed by en.json; a test holds zh-CN.json to the same keys. */
import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import { languageOf, type Settings } from '../../core/contract.ts'
import { languages } from '../../core/messages/languages.ts'
import en from './en.json'
import zhCN from './zh-CN.json'

// What depends on an augmentation is not rebuilt when it changes: `check:types` checks the page once more without `tsc -b`'s memory,
// so that a key that was renamed in en.json alone is found.
declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'translation'
    resources: { translation: typeof en }
  }
}

export async function startI18n(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: languageOf('system', navigator.languages),
    fallbackLng: 'en',
    supportedLngs: languages,
    resources: { en: { translation: en }, 'zh-CN': { translation: zhCN } },
    // React escapes.
    interpolation: { escapeValue: false },
  })
}

export async function speak(setting: Settings['language']): Promise<void> {
  const language = languageOf(setting, navigator.languages)
  document.documentElement.lang = language
  if (i18next.language !== language) await i18next.changeLanguage(language)
}
