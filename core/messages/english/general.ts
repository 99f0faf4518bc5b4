import type { Foreign } from '../text.ts'

export const general = {
  /** Not converted yet. */
  plain: (v: { text: string }) => v.text,
  /** Words that are not ours and have no translation: a fault of the program, a sentence of an earlier version. */
  foreign: (v: { text: Foreign }) => v.text,
}
