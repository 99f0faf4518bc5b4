/** Errors come with an English sentence; the commonest are said in the page's language, as reasons are. The rest is shown as it came. */
import type { ErrorReport } from '../../core/errors.ts'
import { badFilePatterns, damage } from './bad-file.ts'
import { recognize, shownValues, textOf } from './reason.ts'
import { useSentences, useWords } from './words.ts'

/** What a sentence looks like and the key of the page's own; named groups are its values, those called `...Bytes` are sizes. */
const patterns = [
  [/^(?<name>.+) was not found\.$/, 'notFound'],
  [/^This run is not in the list any more/, 'runGone'],
  [/^Nothing is left of (?<name>.+) that could be gone on with\./, 'nothingLeft'],
  [/^(?<name>.+) is being written by another process/, 'writtenElsewhere'],
  [/^(?<name>.+) is being written by another run\./, 'beingWritten'],
  [/^(?<name>.+) is being written\. Cancel it first\.$/, 'stillWritten'],
  [/^(?<name>.+) is not in a folder that this page can see\./, 'outOfSight'],
  [/^The run that was to write (?<name>.+) has no report\.$/, 'noReport'],
  [/^This file (was not given to this|is not open any more)/, 'notOpen'],
  [/^(?<name>.+) could not be read: permission was denied\.$/, 'readDenied'],
  [/^(?<name>.+) could not be written: permission was denied\. Choose another folder\./, 'writeDenied'],
  [/^(?<name>.+) could not be written: the file system is read-only\. Choose another folder\./, 'readOnly'],
  [/^(?<name>.+) could not be written: the disk is full\. Choose another folder\./, 'diskFull'],
  [
    /^(?<name>.+) could not be written beyond (?<size>.+): the disk is full\. Choose another folder\./,
    'diskFullBeyond',
  ],
  [/^(?<name>.+) could not be written: its folder does not exist\./, 'folderGone'],
  [/^The folder (?<name>.+) does not exist\. Choose another folder\.$/, 'folderGone'],
  [/^(?<name>.+) needs (?<needed>.+); (?<free>.+) is free in (?<folder>.+)\. Free some space/, 'noSpace'],
  [/^(?<name>.+) is a link to another place\. Choose another name\.$/, 'link'],
  [/^(?<name>.+) is the source itself\. Choose another name/, 'isSource'],
  [/^(?<name>.+) is the folder of the source\. Choose another name/, 'isSourceFolder'],
  [/^(?<name>.+) is not a regular file\. Choose another name\.$/, 'notRegular'],
  [/^(?<name>".*") cannot be the name of a file\.$/, 'badName'],
  [/^(?<name>.+) became shorter while it was read: expected (?<before>\d+) bytes, found (?<after>\d+)\./, 'resized'],
  [/^(?<name>.+) was removed or renamed while it was read\./, 'removed'],
  [/^(?<name>.+) was replaced by another file while it was read\./, 'replaced'],
  [/^(?<name>.+) was modified while it was read: it had (?<before>\d+) bytes and has (?<after>\d+)\./, 'resized'],
  [/^(?<name>.+) (was modified while it was read|has changed since it was opened)\./, 'changed'],
  [/^(?<name>.+): no weight file in this folder/, 'noWeightFile'],
  [/^(?<name>.+): (?<count>\d+) models in this folder \((?<some>.+)\); open one of them$/, 'severalModels'],
  [/^(?<name>.+) holds (?<dtype>\S+) values, which are not weights/, 'dtype'],
  [/^(?<name>.+) has (?:(?<nan>\d+) NaN values?)?(?: and )?(?:(?<inf>\d+) Inf values?)?\. It has no/, 'nonFinite'],
  [/^This needs (?<needed>\d+) MB of working memory, and the limit is (?<limit>\d+) MB\.$/, 'memoryLimit'],
  [/^This needs (?<needed>\d+) MB of working memory, and the machine refused/, 'memoryRefused'],
  [/^(?<name>.+): the exact SVD of a wide matrix needs it whole, (?<needed>\S+) GB; (?<limit>\S+) GB/, 'exactTooWide'],
  [/^The goal leaves (?<leftBytes>\d+) bytes .* already need (?<neededBytes>\d+)\./, 'goalTooSmall'],
  [/^What is kept as it is takes (?<moreBytes>\d+) bytes more than the goal/, 'keptTooLarge'],
  [/^A size goal is for a file with the whole model/, 'sizeGoalOfAdapter'],
  [/^INT8 factors are written as A and B\./, 'int8Layout'],
  [/^The engine ran out of memory and ended\./, 'engineMemory'],
  [/^The compute thread ran out of memory and was started anew\./, 'threadMemory'],
  [/^The engine was killed \(SIGKILL\)\./, 'engineKilled'],
  [/^The engine crashed \((?<signal>\w+)\)\.$/, 'engineCrashed'],
  [/^The engine was ended from outside \((?<signal>\w+)\)\.$/, 'engineEnded'],
  [/^The engine ended without leaving a reason\./, 'engineGone'],
  [/^The engine ended unexpectedly with exit code (?<code>\S+)\.$/, 'engineExit'],
  ...badFilePatterns,
] as const

/** What a run that failed adds to the sentence of whatever ended it; --resume is a word of the command line. */
const finishedSoFar = / (?<done>\d+) of (?<total>\d+) tensors are finished; .*--resume goes on with them\.$/

/** The page's key for the sentence of an error and the values in it, or null for one it has no words for. */
export function recognizeFault(message: string) {
  return recognize(patterns, message)
}

/** What an error says, in the page's language. */
export function useFault(): (error: Pick<ErrorReport, 'said'> & Partial<Pick<ErrorReport, 'code'>>) => string {
  const { t, numbers } = useWords()
  const sentences = useSentences()
  const sentence = (message: string, code?: ErrorReport['code']) => {
    const found = recognizeFault(message)
    if (found) return t(`faults.${found.key}`, shownValues(found.values, numbers))
    const damaged = code === 'bad-file' ? damage(message) : null
    return damaged ? t('faults.damaged', damaged) : message
  }
  return ({ said, code }) => {
    const message = textOf(said)
    if (message === null) return sentences(said)
    const [tail, ...kept] = finishedSoFar.exec(message) ?? []
    if (tail === undefined) return sentence(message, code)
    const [done, total] = kept.map((count) => numbers.count(Number(count)))
    return `${sentence(message.slice(0, -tail.length), code)} ${t('faults.finishedSoFar', { done, total })}`
  }
}
