/** One tensor: what becomes of it, its error, singular values or energy by rank, and how all of that was computed. */
import { SegmentedControl } from '@mantine/core'
import { memo, useDeferredValue, useState } from 'react'
import { Energy } from '../charts/Energy.tsx'
import { ErrorVsRank, type RankChartsProps } from '../charts/ErrorVsRank.tsx'
import { ControlsPlace } from '../charts/plot/ChartFrame.tsx'
import { SingularValues } from '../charts/SingularValues.tsx'
import { goalOf } from '../choices/goal.ts'
import { useParams } from '../choices/params.ts'
import { isCompressed } from '../choices/rules.ts'
import { type Lens, lenses, selectionReducers, useSelection } from '../choices/selection.ts'
import { useStages } from '../frame/stages.ts'
import { useRankShown } from '../model/figures/rank-shown.ts'
import { commitRank, setRank } from '../model/looking/analysis.ts'
import type { TensorView } from '../model/looking/view.ts'
import { useWords } from '../words/words.ts'
import { ComparePanel } from './ComparePanel.tsx'
import { isBeyond, JobStatus } from './JobStatus.tsx'
import { ResultPanel } from './ResultPanel.tsx'
import { WhatIf } from './WhatIf.tsx'

export function TensorTab({ view }: { readonly view: TensorView }) {
  const { rank, reached, provisional = false, planned } = useRankShown(view)
  const lens = useSelection((state) => state.lens)
  const [place, setPlace] = useState<HTMLElement | null>(null)
  // What becomes of the tensor, its chart.
  const made = useStages(1, { atOnce: 1 })
  const whatIf = useSelection((state) => state.whatIf)
  const pinned = useSelection(({ pins }) => pins.get(view.tensor.name))
  const byRank = useParams(({ params }) => goalOf(params) === 'rank')
  // A goal, and a rank of its own, are not lost to a touch of the curve: there another rank is only looked at.
  const guarded = !byRank || pinned !== undefined
  // What a goal keeps has no rank: any is only looked at.
  const leftOut = useSelection((selection) => planned === null && !isCompressed(view.tensor, selection))
  const kept = !byRank && pinned === undefined && (leftOut || planned?.rank === null)
  const looked = guarded && whatIf !== null && whatIf !== rank ? whatIf : null
  // Nor has what waits for the plan of its goal.
  const fate = kept ? 'kept' : provisional ? 'unknown' : rank
  const chart = {
    rank: looked ?? rank,
    planned: looked === null || typeof fate === 'string' ? null : fate,
    whatIf: looked !== null || typeof fate === 'string',
    onRank: guarded ? selectionReducers.whatIf : setRank,
    onCommit: guarded ? () => {} : commitRank,
  }
  return (
    <div className="tensor-tab">
      <ResultPanel planned={planned} rank={rank} view={view} />
      <div className="tensor-controls">
        <LensChoice />
        <div className="tensor-chart-controls" ref={setPlace} />
      </div>
      {looked === null ? null : <WhatIf fate={fate} rank={looked} view={view} />}
      {place && made > 0 ? (
        <ControlsPlace value={place}>
          <LensChart {...chart} lens={lens} view={view} />
        </ControlsPlace>
      ) : null}
      <ComparePanel rank={rank} view={view} />
      <JobStatus rank={!reached || isBeyond(view, rank) ? rank : null} reached={reached} view={view} />
    </div>
  )
}

/**
 * Nothing takes longer to render than a chart. What is new in it - the first curve of a sketch, a result - is drawn at once; that a curve is out of
 * date, and each step of a sketch after the first, in slices in which whatever comes next takes their place. The rank follows each step of a drag.
 */
function LensChart({ lens, view, ...chart }: RankChartsProps & { readonly lens: Lens }) {
  const before = useDeferredValue(view)
  const mayWait = view.estimate === null ? view.stale : before.estimate !== null
  const drawn = mayWait && before.tensor === view.tensor ? before : view
  if (lens === 'values') return <SingularValues rank={chart.rank} view={drawn} />
  if (lens === 'energy') return <Energy {...chart} view={drawn} />
  return <ErrorVsRank {...chart} key={view.tensor.name} view={drawn} />
}

const LensChoice = memo(function LensChoice() {
  const { t } = useWords()
  const lens = useSelection((state) => state.lens)
  return (
    <SegmentedControl
      aria-label={t('workbench.lens')}
      className="lens"
      data={lenses.map((value) => ({ value, label: t(`workbench.lenses.${value}`) }))}
      onChange={(value) => selectionReducers.lens(value as Lens)}
      size="xs"
      value={lens}
    />
  )
})
