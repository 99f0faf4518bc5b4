/** Singular values by index, randomized beside exact, and below them how far the one is from the other. */
import { useMemo, useState } from 'react'
import { singularValueErrors } from '../../core/curves/singular-value-error.ts'
import type { TensorView } from '../model/view.ts'
import { useWords } from '../words/words.ts'
import { ChartCard } from './ChartCard.tsx'
import { ScaleControl } from './ErrorVsRank.tsx'
import { LinePlot, type Mark } from './LinePlot.tsx'
import { type Scale, valueRange } from './range.ts'
import { listed, rankGrid, rowsOf, type Series } from './series.ts'

export function SingularValues({ view, rank }: { readonly view: TensorView; readonly rank: number }) {
  const { t, numbers } = useWords()
  const [scale, setScale] = useState<Scale>('log')
  const series = useValueSeries(view)
  const approximate = view.report?.method === 'randomized' ? view.report.singularValues : null
  // Beside a sketch the exact values are shown a little beyond its end, alone they are shown to the last.
  const last = Math.max(2, approximate ? Math.min(view.smallest, Math.ceil(1.5 * approximate.length)) : view.smallest)
  const axis = useMemo(() => ({ first: 1, last }), [last])
  const rows = useMemo(() => rowsOf(series, rankGrid(1, last, [approximate?.length ?? 1])), [series, last, approximate])
  const range = useMemo(() => valueRange(rows, scale), [rows, scale])
  const mark = useMemo<Mark[]>(
    () =>
      rank <= last
        ? [{ rank, label: t('chart.rankMark', { rank: numbers.count(rank) }), color: 'var(--series-what-if)' }]
        : [],
    [rank, last, t, numbers],
  )

  return (
    <div className="chart-stack">
      <ChartCard
        fileName={`${view.tensor.name}.singular-values`}
        first={1}
        formatY={numbers.value}
        last={last}
        rows={rows}
        series={series}
        title={t('chart.valuesTitle', { name: view.tensor.name })}
        tools={<ScaleControl onChange={setScale} value={scale} />}
        xTitle={t('chart.index')}
      >
        {(frame) => (
          <LinePlot
            axis={axis}
            formatTick={numbers.value}
            formatX={numbers.count}
            formatY={numbers.value}
            frame={frame}
            logarithmic={scale === 'log'}
            marks={mark}
            range={range}
            rows={rows}
            series={series}
            top={topSpace}
            xTitle={t('chart.index')}
            yTitle={t('chart.value')}
          />
        )}
      </ChartCard>
      {approximate && view.exactValues ? (
        <ValueErrors
          approximate={approximate}
          exact={view.exactValues}
          name={view.tensor.name}
          resolution={view.report?.valueResolution ?? 0}
        />
      ) : null}
    </div>
  )
}

interface ValueErrorsProps {
  readonly approximate: readonly number[]
  readonly exact: readonly number[]
  readonly name: string
  /** Below it values are rounding. */
  readonly resolution: number
}

function ValueErrors({ approximate, exact, name, resolution }: ValueErrorsProps) {
  const { t, numbers } = useWords()
  const { perIndex, max } = useMemo(
    () => singularValueErrors(exact, approximate, resolution),
    [exact, approximate, resolution],
  )
  const last = Math.max(2, perIndex.length)
  const axis = useMemo(() => ({ first: 1, last }), [last])
  const series = useMemo<Series[]>(
    () => [{ id: 'gap', label: t('chart.valueError'), color: 'var(--series-exact)', at: listed(perIndex, 1) }],
    [perIndex, t],
  )
  const rows = useMemo(() => rowsOf(series, rankGrid(1, last)), [series, last])
  const range = useMemo(() => [0, max > 0 ? max * 1.1 : 1] as const, [max])
  return (
    <ChartCard
      fileName={`${name}.singular-value-error`}
      first={1}
      formatY={numbers.percent}
      last={last}
      rows={rows}
      series={series}
      title={t('chart.valueErrorTitle', { name })}
      xTitle={t('chart.index')}
    >
      {(frame) => (
        <LinePlot
          axis={axis}
          formatTick={numbers.tickPercent}
          formatX={numbers.count}
          formatY={numbers.percent}
          frame={frame}
          range={range}
          rows={rows}
          series={series}
          top={topSpace}
          xTitle={t('chart.index')}
          yTitle={t('chart.valueErrorAxis')}
        />
      )}
    </ChartCard>
  )
}

function useValueSeries(view: TensorView): Series[] {
  const { t } = useWords()
  return useMemo(() => {
    const series: Series[] = []
    if (view.exactValues) {
      series.push({
        id: 'exact',
        label: t('chart.exact'),
        color: 'var(--series-exact)',
        dash: '7 3',
        at: listed(view.exactValues, 1),
      })
    }
    if (view.report?.method === 'randomized') {
      series.push({
        id: 'randomized',
        label: t('chart.randomized', { count: view.report.nIter }),
        color: 'var(--series-randomized)',
        at: listed(view.report.singularValues, 1),
      })
    }
    if (view.estimate) {
      const { iteration, iterations, singularValues } = view.estimate
      series.push({
        id: 'estimate',
        label: t('chart.estimate', { iteration, iterations }),
        color: 'var(--series-randomized)',
        dash: '1 4',
        width: 2.5,
        at: listed(singularValues, 1),
      })
    }
    return series
  }, [view, t])
}

/** There is no grip above these plots, in px. */
const topSpace = 10
