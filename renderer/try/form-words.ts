/** How the Try tab speaks of forms and times. */
import type { Recipe } from '../../core/contract.ts'
import { useGoalWords } from '../words/goal-words.ts'
import { useWords } from '../words/words.ts'

/** What a compressed form is, in a few words: its goal, or that tensors have ranks of their own, whether it was weighed, and what is stored as INT8. */
export function useFormWords(): (recipe: Recipe | null) => string {
  const { t } = useWords()
  const goalWords = useGoalWords()
  return (recipe) => {
    if (!recipe) return ''
    const { params, statistics, include, pins = [] } = recipe
    return [
      // As a row of "Compare forms" names them, each with its rank.
      pins.length > 0 && pins.length === include.length ? t('try.ownRanks') : goalWords(params),
      t(statistics === undefined ? 'try.plain' : 'try.weighted'),
      ...(params.factorDType === 'INT8' || params.denseDType === 'INT8' ? [t('choices.INT8')] : []),
    ].join(' · ')
  }
}

/** Milliseconds of a run with three digits, which is what tells two models apart. */
export function useLatencyWords(): (milliseconds: number) => string {
  const { t, numbers } = useWords()
  return (milliseconds) =>
    milliseconds < 1000
      ? t('try.milliseconds', { value: numbers.digits(milliseconds, 3) })
      : numbers.duration(milliseconds)
}

/** The error of an output, or why it has none. */
export function useErrorWords(): (notFinite: number, error: number | null) => string {
  const { t, numbers } = useWords()
  return (notFinite, error) => (notFinite > 0 ? t('try.notFinite') : error === null ? '–' : numbers.percent(error))
}
