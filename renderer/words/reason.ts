/** Reasons and claims come from the engine as English sentences; the page says them in its own language and with its own advice. */

import { useTranslation } from 'react-i18next'
import type { Message } from '../../core/messages/message.ts'
import type { Numbers } from './numbers.ts'
import { useSentences } from './words.ts'

/** What a sentence of the engine looks like and the key of the page's own; named groups are its values. */
const patterns = [
  [/^It has no entries\.$/, 'noEntries'],
  [/^It is a single number\.$/, 'scalar'],
  [/^It is one-dimensional/, 'oneDimensional'],
  [/^It has (?<count>\d+) dimensions/, 'dimensions'],
  [/^(?<dtype>\S+) values are not weights/, 'dtype'],
  [/^Excluded by the rule/, 'excluded'],
  [/^Not among the included tensors/, 'excluded'],
  [/^An embedding:/, 'embedding'],
  [/^The output head/, 'head'],
  [/^A router/, 'router'],
  [/^Its smaller dimension \((?<shape>.+)\) is below (?<least>\d+)/, 'narrow'],
  [/^(?<shape>[\d x]+) to rank (?<rank>\d+): (?<before>.+) to (?<after>.+)\.$/, 'factorized'],
  [/^At rank (?<rank>\d+) this tensor .*Largest useful rank: (?<useful>\d+)\.$/, 'grows'],
  [/^At rank (?<rank>\d+) this tensor .*No rank makes it smaller\.$/, 'neverSmaller'],
  [/^No rank makes (this tensor|it smaller)/, 'neverSmaller'],
  [/^Kept as it is: under the size goal/, 'sizeGoal'],
  [/^Kept as it is: the goal is not reached .* allowed \((?<error>[\d.e+-]+) % at rank (?<rank>\d+)\)\.$/, 'rankLimit'],
  [
    /^Kept as it is: the goal is not reached below break-even \((?<error>[\d.e+-]+) % at rank (?<rank>\d+)\)\.$/,
    'breakEven',
  ],
  [/^.+ has (?<nan>\d+) NaN values? and (?<inf>\d+) Inf values?\. It was kept/, 'nanAndInf'],
  [/^.+ has (?<nan>\d+) NaN values?\. It was kept/, 'nan'],
  [/^.+ has (?<inf>\d+) Inf values?\. It was kept/, 'inf'],
  [/^No rank-k error is below that of the exact SVD/, 'eckartYoung'],
  [/^The exact error of random noise is what theory says/, 'theory'],
  [/^The singular vectors are orthonormal/, 'orthonormal'],
  [/^The same seed gives the same bits/, 'sameBits'],
] as const

/** The page's key for a sentence and the values in it, or null for one it has no words for. */
export function recognizeReason(reason: string) {
  return recognize(patterns, reason)
}

/** The key of the first pattern that a sentence fits, and its named groups. */
export function recognize<Key>(
  known: readonly (readonly [RegExp, Key])[],
  sentence: string,
): { key: Key; values: Record<string, string | undefined> } | null {
  for (const [pattern, key] of known) {
    const found = pattern.exec(sentence)
    if (found) return { key, values: { ...found.groups } }
  }
  return null
}

/** Sentences that have no keys yet; null where all have. */
export function textOf(said: readonly Message[]): string | null {
  return said.every(({ key }) => key !== 'plain') ? null : said.map(({ values }) => values.text).join(' ')
}

/** Values of a sentence as the page writes them: those called `...Bytes` are sizes, and a group that is not in it is none of that. */
export function shownValues(values: Record<string, string | undefined>, numbers: Numbers): Record<string, unknown> {
  const shown = Object.entries(values).map(([name, value = '0']) => [
    name,
    name.endsWith('Bytes') ? numbers.bytes(Number(value)) : value,
  ])
  return Object.fromEntries(shown)
}

/** Unknown sentences are shown as they came. */
export function useReason(): (reason: Message) => string {
  const { t } = useTranslation()
  const sentences = useSentences()
  return (said) => {
    const reason = textOf([said])
    if (reason === null) return sentences(said)
    const found = recognizeReason(reason)
    return found ? t(`reasons.${found.key}`, { ...found.values, interpolation: { escapeValue: false } }) : reason
  }
}
