/** Singular values by index, randomized beside exact, and below them how far the one is from the other, over the same indices. */
import { useMemo } from 'react'
import { singularValueErrors } from '../../core/curves/singular-value-error.ts'
import { say } from '../../core/messages/english.ts'
import type { TensorView } from '../model/looking/view.ts'
import { useSentences, useWords } from '../words/words.ts'
import { ControlsPlace } from './plot/ChartFrame.tsx'
import type { Mark } from './plot/LinePlot.tsx'
import { RankChart } from './plot/RankChart.tsx'
import { useLastRank } from './plot/zoom.ts'
import { fromArray, type Series } from './series.ts'
import { sketchOf, useRoleNames, useTensorFacts } from './tensor-series.ts'

export function SingularValues({ view, rank }: { readonly view: TensorView; readonly rank: number }) {
  const { t } = useWords()
  const sentences = useSentences()
  const { tensor, smallest } = view
  const sketch = sketchOf(view)
  const series = useValueSeries(view)
  const last = useLastRank(rank, { of: tensor.name, breakEven: view.breakEven, smallest })
  const approximate = sketch?.singularValues ?? null
  const points = useMemo(() => [approximate?.length ?? 1], [approximate])
  const marks = useMemo<Mark[]>(
    () => (rank <= last ? [{ rank, label: sentences(say('series.rank', { rank })), role: 'plan' }] : []),
    [rank, last, sentences],
  )
  const chart = { facts: useTensorFacts(view), first: 1, last, marks, points, rank } as const
  return (
    <div className="chart-stack">
      <RankChart
        {...chart}
        end={smallest}
        fileName={`${tensor.name}.singular-values`}
        quantity="value"
        series={series}
        title={t('chart.valuesTitle', { name: tensor.name })}
      />
      {approximate && view.exactValues ? (
        <ControlsPlace value={null}>
          <ValueErrors
            approximate={approximate}
            chart={chart}
            exact={view.exactValues}
            name={tensor.name}
            resolution={sketch?.valueResolution ?? 0}
          />
        </ControlsPlace>
      ) : null}
    </div>
  )
}

interface ValueErrorsProps {
  readonly chart: Pick<Parameters<typeof RankChart>[0], 'facts' | 'first' | 'last' | 'marks' | 'points' | 'rank'>
  readonly approximate: readonly number[]
  readonly exact: readonly number[]
  readonly name: string
  /** Below it values are rounding. */
  readonly resolution: number
}

function ValueErrors({ chart, approximate, exact, name, resolution }: ValueErrorsProps) {
  const { t } = useWords()
  const roleName = useRoleNames()
  const series = useMemo<Series[]>(() => {
    const { perIndex } = singularValueErrors(exact, approximate, resolution)
    return [{ id: 'gap', role: 'value-error', label: roleName('value-error'), at: fromArray(perIndex, 1) }]
  }, [exact, approximate, resolution, roleName])
  return (
    <RankChart
      {...chart}
      below
      end={approximate.length}
      fileName={`${name}.singular-value-error`}
      quantity="valueError"
      series={series}
      title={t('chart.valueErrorTitle', { name })}
    />
  )
}

function useValueSeries(view: TensorView): Series[] {
  const { exactValues, estimate } = view
  const sketch = sketchOf(view)
  const name = useRoleNames()
  const sentences = useSentences()
  return useMemo(() => {
    const line = (role: 'exact' | 'randomized' | 'estimate', values: readonly number[], label: string): Series => ({
      id: role,
      role,
      label,
      at: fromArray(values, 1),
      // Values only fall.
      smooth: true,
    })
    const series: Series[] = []
    if (sketch) series.push(line('randomized', sketch.singularValues, name('randomized')))
    if (estimate) {
      const { iteration, iterations, singularValues } = estimate
      series.push(line('estimate', singularValues, sentences(say('series.estimate', { iteration, iterations }))))
    }
    if (exactValues) series.push(line('exact', exactValues, name('exact')))
    return series
  }, [sketch, exactValues, estimate, name, sentences])
}
