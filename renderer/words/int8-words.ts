/** What INT8 factors do, or would do, to the error of a tensor. */
import { useCallback } from 'react'
import type { PlannedTensor } from '../../core/contract.ts'
import { useWords } from './words.ts'

/** Beyond this there is no error to speak of but that of INT8. */
const everything = 1e6

/** null where INT8 was not asked for. */
export function useInt8Words(): (planned: PlannedTensor) => string | null {
  const { t, numbers } = useWords()
  return useCallback(
    ({ int8Increase, factorDType }) => {
      if (int8Increase === null) return null
      const added = int8Increase > everything ? t('plan.everything') : numbers.percent(int8Increase)
      return t(factorDType === 'INT8' ? 'plan.int8' : 'plan.notInt8', { added })
    },
    [t, numbers],
  )
}
