import type { NoValues, Words } from '../message.ts'
import type { FileName } from '../text.ts'

/** Files and folders that are read or written. */
export const files = {
  'files.exists': (v: { name: FileName }) => `${v.name} exists already.`,
  'files.exists-damaged': (v: { name: FileName }) => `What ${v.name} holds is damaged.`,
  'files.exists-outdated': () => 'Its source has changed since it was written.',
  'files.choose-or-overwrite': (_: NoValues, w: Words) => `Choose another name, or ${w.act('overwrite')}.`,
}
