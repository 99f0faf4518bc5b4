/** What INT8 factors do, or would do, to the error of a tensor. */
import { useCallback } from 'react'
import type { PlannedTensor } from '../../core/contract.ts'
import { useWords } from './words.ts'

/** null where INT8 was not asked for. */
export function useInt8Words(): (planned: PlannedTensor) => string | null {
  const { t, numbers } = useWords()
  return useCallback(
    ({ int8Increase, factorDType }) => {
      if (int8Increase === null) return null
      return t(factorDType === 'INT8' ? 'plan.int8' : 'plan.notInt8', { added: numbers.increase(int8Increase) })
    },
    [t, numbers],
  )
}
