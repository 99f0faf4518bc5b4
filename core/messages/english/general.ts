import type { Message, Words } from '../message.ts'
import type { Foreign } from '../text.ts'

export const general = {
  /** Several sentences in a row. */
  all: (v: { said: readonly Message[] }, w: Words) => w.text(v.said),
  /** Words that are not ours and have no translation: a fault of the program, a sentence of an earlier version. */
  foreign: (v: { text: Foreign }) => v.text,
}
