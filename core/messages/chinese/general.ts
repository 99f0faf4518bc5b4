import type { Translation } from '../english.ts'

export const general = {
  all: (v, w) => w.text(v.said),
  foreign: (v) => v.text,
} satisfies Partial<Translation>
