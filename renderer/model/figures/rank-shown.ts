/** The tensor on show and its rank, apart: a step of a drag changes the second alone, and renders only what shows it. */
import { useMemo } from 'react'
import type { PlannedTensor, TensorReport } from '../../../core/contract.ts'
import { useParams } from '../../choices/params.ts'
import { useSelection } from '../../choices/selection.ts'
import { useAnalyses } from '../looking/analyses.ts'
import { chosenRank, type TensorView, tensorView } from '../looking/view.ts'
import { analysisUnderWay, useWork } from '../looking/work.ts'
import { usePlanShown } from './outlook.ts'

/** Worked out again for whatever it depends on, which the rank is not. */
export function useTensorView(tensor: TensorReport | undefined): TensorView | null {
  const name = tensor?.name ?? ''
  const key = useParams(({ params: { rank: _, ...sketch } }) => JSON.stringify(sketch))
  const output = useParams((state) => state.output)
  const analysis = useAnalyses((state) => state.analyses[name])
  const comparison = useAnalyses((state) => state.comparisons[name])
  const estimate = useWork((state) => {
    const underWay = analysisUnderWay(state)
    return underWay?.wish.tensor === name ? underWay.view.estimate : null
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: key stands for all of the parameters but the rank
  return useMemo(
    () => tensorView({ tensor, params: useParams.getState().params, output, analysis, comparison, estimate }),
    [tensor, key, output, analysis, comparison, estimate],
  )
}

interface RankShown {
  readonly rank: number
  /** Whether the goal, if there is one, is met at this rank. */
  readonly reached: boolean
  /** What the goal gives the tensor is not known yet: the rank is only one to look at. */
  readonly provisional?: boolean
  /** What a run would do with the tensor, where that is known. */
  readonly planned: PlannedTensor | null
}

/** Of the tensor on show; what is no matrix has the rank that was chosen for all. */
export function useRankShown(view: TensorView | null): RankShown {
  const name = view?.tensor.name ?? ''
  const params = useParams((state) => state.params)
  const pin = useSelection(({ pins }) => pins.get(name))
  const planned = usePlanShown().answer?.tensors.get(name) ?? null
  if (!view) return { rank: params.rank, reached: true, planned }
  return { ...chosenRank(view, params, planned, pin), planned }
}
