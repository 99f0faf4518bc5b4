/** Bytes of the tensor on show before and after: as planned, or at the rank that is looked at. */
import type { PlannedTensor } from '../../core/contract.ts'
import { shrinksAt } from '../../core/plan/verdict.ts'
import { factorBytesIn } from '../../core/plan/written-bytes.ts'
import { allStyles } from '../../core/styles.ts'
import { useParams } from '../choices/params.ts'
import { useWholeBytes } from '../model/figures/verdicts.ts'
import type { TensorView } from '../model/looking/view.ts'
import { useWords } from '../words/words.ts'

interface BytesFactProps {
  readonly view: TensorView
  readonly rank: number
  readonly planned: PlannedTensor | null
  /** By the plan. */
  readonly kept: boolean
  /** Before there is one. */
  readonly leftOut: boolean
}

export function BytesFact({ view, rank, planned, kept, leftOut }: BytesFactProps) {
  const { t, numbers } = useWords()
  const style = useParams(({ output }) => allStyles[output])
  const whole = useWholeBytes()
  const { tensor, matrix, breakEven } = view
  const after = () => {
    if (planned && (kept || planned.rank === rank)) return planned.bytesAfter
    if (leftOut) return whole.get(tensor.name) ?? tensor.byteLength
    return factorBytesIn(style, matrix, rank)
  }
  const before = numbers.bytes(tensor.byteLength)
  if (kept || leftOut)
    return (
      <span data-testid="tensor-bytes" data-warn={false}>
        {before} → {numbers.bytes(after())}
      </span>
    )
  const grows = !shrinksAt(matrix, rank)
  return (
    <span
      data-testid="tensor-bytes"
      data-warn={grows}
      title={t(grows ? 'result.growsHelp' : 'result.bytesHelp', { rank: numbers.count(breakEven) })}
    >
      {grows
        ? t('result.grows', { rank: numbers.count(rank), bytes: before })
        : `${before} → ${numbers.bytes(after())}`}
    </span>
  )
}
