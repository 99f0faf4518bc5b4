/** What a run would do with the tensor on show, in a few words: kept and why, or its rank, its dtype and what INT8 does to it. */
import type { PlannedTensor } from '../../core/contract.ts'
import { useInt8Words } from '../words/int8-words.ts'
import { useSentences, useWords } from '../words/words.ts'

export function PlannedNote({ planned }: { readonly planned: PlannedTensor }) {
  const { t, numbers } = useWords()
  const int8 = useInt8Words()
  const sentences = useSentences()
  const { rank, factorDType } = planned
  const text =
    rank === null
      ? t(factorDType === 'INT8' ? 'plan.keptInt8' : 'plan.kept', { reason: sentences(planned.reason) })
      : [t('plan.factors', { rank: numbers.count(rank), dtype: factorDType }), int8(planned)]
          .filter((part) => part !== null)
          .join(' · ')
  return (
    <span className="planned-note dimmed" data-testid="planned" title={text}>
      {/* What cuts it would cut the dot before it, too. */}
      <span className="ellipsis">{text}</span>
    </span>
  )
}
