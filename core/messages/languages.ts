/** Sentences as people read them in the page and in the notifications of the desktop, in either language. */
import { chinese } from './chinese.ts'
import { english, sentences } from './english.ts'
import type { Act, Message, Words } from './message.ts'
import { numbersIn } from './numbers.ts'

export const languages = ['en', 'zh-CN'] as const
export type Language = (typeof languages)[number]

const catalogs = { en: english, 'zh-CN': chinese } as const
/** Chinese sentences end in their own space. */
const betweenSentences = { en: ' ', 'zh-CN': '' } as const
const betweenItems = { en: ', ', 'zh-CN': '、' } as const
/** After the first of a longer list. */
const andMore: Readonly<Record<Language, (count: string) => string>> = {
  en: (count) => ` and ${count} more`,
  'zh-CN': (count) => ` 等另外 ${count} 项`,
}
const acts: Readonly<Record<Language, Readonly<Record<Act, string>>>> = {
  en: {
    overwrite: 'allow it to be replaced',
    include: 'you tick it',
    plan: 'Analyze model',
    resume: 'Resume',
    'int8-factors': 'Factor dtype',
    'dense-int8': 'Kept weights',
    statistics: 'Statistics of inputs',
    'max-rank': 'Largest rank',
  },
  'zh-CN': {
    overwrite: '允许替换它',
    include: '勾选',
    plan: '“分析模型”',
    resume: '“恢复”',
    'int8-factors': '“因子数据类型”',
    'dense-int8': '“保留的权重”',
    statistics: '“输入统计数据”',
    'max-rank': '“最大秩”',
  },
}

export function sentencesIn(language: Language): (said: Message | readonly Message[]) => string {
  const numbers = numbersIn(language)
  const words: Words = {
    ...numbers,
    place: 'page',
    text: (said) => sentences(catalogs[language], words, said, betweenSentences[language]),
    act: (action) => acts[language][action],
    shape: (lengths) => lengths.join(' × '),
    list: (items, of = items.length) =>
      items.join(betweenItems[language]) +
      (of > items.length ? andMore[language](numbers.count(of - items.length)) : ''),
  }
  return words.text
}
