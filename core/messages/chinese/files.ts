import type { Translation } from '../english.ts'

export const files = {
  'files.exists': (v) => `${v.name} 已存在。`,
  'files.exists-damaged': (v) => `${v.name} 的内容已损坏。`,
  'files.exists-outdated': () => '其源文件在写出之后已更改。',
  'files.choose-or-overwrite': (_, w) => `请选择其他名称，或${w.act('overwrite')}。`,
} satisfies Partial<Translation>
