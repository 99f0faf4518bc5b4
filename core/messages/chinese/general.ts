import type { Translation } from '../english.ts'

export const general = {
  plain: (v) => v.text,
  foreign: (v) => v.text,
} satisfies Partial<Translation>
