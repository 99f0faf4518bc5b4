/** What was chosen can be done by no run: the sentence that says so, as the engine has said it or as is known without asking. */

import type { ErrorReport } from '../../core/errors.ts'
import { plain } from '../../core/messages/plain.ts'
import { goalOf } from '../choices/goal.ts'
import { adapters, useParams } from '../choices/params.ts'
import { useWords } from '../words/words.ts'
import { refusal, usePlan } from './plan.ts'

export function useRefusal(): ErrorReport | null {
  const { t } = useWords()
  const { params, output } = useParams()
  const said = usePlan(refusal)
  // The engine is asked only once the model has been analyzed.
  if (adapters.has(output) && goalOf(params) === 'size')
    return { code: 'bad-request', said: [plain(t('faults.sizeGoalOfAdapter'))] }
  return said
}
