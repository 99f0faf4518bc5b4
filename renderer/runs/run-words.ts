/** What waits of a run that was cut short, in a few words. */
import type { Run } from '../../core/contract.ts'
import { useWords } from '../words/words.ts'

/** Empty where nothing waits, or where the run's own sentence has said so: only an engine that died said nothing. */
export function useKeptWords(): (run: Run) => string {
  const { t, numbers } = useWords()
  return ({ resumable, error, finishedTensors: count }) =>
    resumable && (error === null || error.code === 'engine-died')
      ? t('runs.kept', { count, number: numbers.count(count) })
      : ''
}
