/** What a reader or a run had to say besides, in the page's language; the rest is shown as it came. */

import type { Message } from '../../core/messages/message.ts'
import { recognize, shownValues, textOf } from './reason.ts'
import { useSentences, useWords } from './words.ts'

const patterns = [
  [/^Went on after (?<done>\d+) of (?<total>\d+) tensors/, 'wentOn'],
  [/^An unfinished run that was left here read another source/, 'anewSource'],
  [/^An unfinished run that was left here had another recipe/, 'anewRecipe'],
  [/^An unfinished run that was left here wrote another part/, 'anewPart'],
  [/^An unfinished run that was left here was of another version/, 'anewVersion'],
  [/^An unfinished run that was left here ran on a machine of another/, 'anewArithmetic'],
  [/^An unfinished run that was left here had another plan/, 'anewLayout'],
  [/^An unfinished run that was left here has a journal that cannot be read/, 'anewDamaged'],
  [/^The journal that an unfinished run left here is damaged/, 'journalDamaged'],
  [/^(?<count>\d+) of (?<total>\d+) finished tensors were not used: the source changed since/, 'unusedSource'],
  [/^(?<count>\d+) of (?<total>\d+) finished tensors were not used: what was written of them/, 'unusedDamaged'],
  [/^(?<name>.+) was finished before, by the same recipe from the same source/, 'finishedBefore'],
  [
    /^The size goal was missed: (?<writtenBytes>\d+) bytes were written, (?<goalBytes>\d+) was the goal\./,
    'goalMissed',
  ],
  [/^WebAssembly could not be used \((?<why>.*)\); the plain kernels compute/, 'plainKernels'],
  [/^(?<runtime>.+) on this machine has no fused multiply-add/, 'unfused'],
  [/^(?<runtime>.+) does not widen vectors to 256 bits/, 'narrowVectors'],
  [/^This file contains code \((?<names>.+)\)\. It was not run\.$/, 'code'],
  [/^Names are shown without (?<prefix>.+)\.$/, 'prefix'],
  [/^This file is already quantized \((?<encodings>.+)\)/, 'quantized'],
  [/^Left out, because their values are not read: (?<names>.+)\.$/, 'leftOut'],
  [/^The scale factors beside (?<names>.+) fit no known layout/, 'scales'],
  [/^Rank (?<rank>\d+) is more than this matrix has; (?<used>\d+) was used\.$/, 'rankUsed'],
  [
    /^Oversampling (?<oversample>\d+) does not fit beside rank (?<rank>\d+); (?<used>\d+) was used\.$/,
    'oversampleUsed',
  ],
  [/^A stack of (?<matrices>\d+) matrices: this is the first\.$/, 'firstOfStack'],
] as const

/** The page's key for a notice and the values in it, or null for one it has no words for. */
export function recognizeNotice(notice: string) {
  return recognize(patterns, notice)
}

export function useNotice(): (notice: Message) => string {
  const { t, numbers } = useWords()
  const sentences = useSentences()
  return (said) => {
    const notice = textOf([said])
    if (notice === null) return sentences(said)
    const found = recognizeNotice(notice)
    return found ? t(`said.${found.key}`, shownValues(found.values, numbers)) : notice
  }
}
