/** Size against error of the whole model: the plan's error at every size, and the goal as a point on it that can be dragged. */
import { Loader } from '@mantine/core'
import { useMemo, useState } from 'react'
import { useFile } from '../choices/file.ts'
import { goalOf } from '../choices/goal.ts'
import { useParams } from '../choices/params.ts'
import { useStatistics } from '../choices/statistics.ts'
import { largeChange, useOutcome } from '../model/figures/outcome.ts'
import { type TradeOff, useTradeOff } from '../model/figures/trade-off.ts'
import { setGoal } from '../model/looking/analysis.ts'
import { useSizes } from '../model/planning/sizes.ts'
import { useSentences, useWords } from '../words/words.ts'
import type { Mark } from './plot/LinePlot.tsx'
import { RankChart } from './plot/RankChart.tsx'
import type { Series } from './series.ts'

/** The axis counts thousandths of the file. */
const whole = 1000

export function TradeOffChart() {
  const { t } = useWords()
  const sentences = useSentences()
  const tradeOff = useTradeOff()
  const failure = useSizes((state) => state.failure)
  if (tradeOff === 'waiting')
    return (
      <output className="trade-off-none" data-testid="trade-off-wait">
        <Loader size={14} /> <span>{t('tradeOff.waiting')}</span>
      </output>
    )
  if (tradeOff === 'none')
    return (
      <p className="trade-off-none">
        <strong>{t('tradeOff.notMade')}</strong>
        {failure ? <span>{sentences(failure.said)}</span> : null}
      </p>
    )
  return tradeOff ? (
    <Curve tradeOff={tradeOff} />
  ) : (
    <p className="trade-off-none">
      <strong>{t('tradeOff.none')}</strong>
      <span>{t('tradeOff.noneHelp')}</span>
    </p>
  )
}

function Curve({ tradeOff }: { readonly tradeOff: TradeOff }) {
  const { t, numbers } = useWords()
  const outcome = useOutcome()
  const name = useFile(({ report }) => report?.name ?? '')
  const statistics = useStatistics(({ chosen }) => chosen?.grant.name)
  const [dragged, setDragged] = useState<number | null>(null)
  const { bytesBefore, errorAt, bytesFor, least, steps } = tradeOff
  const bytesAt = (thousandths: number) => (thousandths / whole) * bytesBefore
  const start = Math.min(whole - 1, Math.ceil((whole * least) / bytesBefore))
  const points = useMemo(
    () => [start, ...steps.map((bytes) => (whole * bytes) / bytesBefore)],
    [start, steps, bytesBefore],
  )
  const limit = bytesFor(largeChange)
  const marks = useMemo<Mark[]>(() => {
    const label = t('tradeOff.limit', { limit: numbers.tickPercent(largeChange), bytes: numbers.bytes(limit) })
    return [{ rank: (whole * limit) / bytesBefore, label, role: 'limit' }]
  }, [limit, bytesBefore, t, numbers])
  const planned = outcome.state === 'planned' ? outcome : null
  const chosen = planned?.bytesAfter == null ? null : (whole * planned.bytesAfter) / Math.max(1, planned.bytesBefore)
  const at = dragged ?? Math.min(whole, Math.max(start, Math.round(chosen ?? start)))
  // The point is where the plan is, and reads as its card does; a step of the drag is read off the curve.
  const shown = dragged === null ? planned : null
  const error = shown ? shown.error : errorAt(bytesAt(at))
  // The plan of a size goal is one of those the curve is made of; another one may lie above it.
  const ofSize = useParams(({ params }) => goalOf(params) === 'size')
  const plannedAt = shown ? at : null
  const onCurve = shown?.bytesAfter == null ? null : ofSize ? shown.error : errorAt(shown.bytesAfter)
  const series = useMemo<Series[]>(() => {
    const value = (thousandths: number) =>
      thousandths === plannedAt ? onCurve : errorAt((thousandths / whole) * bytesBefore)
    return [{ id: 'plans', role: 'randomized', label: t('tradeOff.curve'), at: value, smooth: true }]
  }, [t, errorAt, bytesBefore, plannedAt, onCurve])
  const resolution = shown?.resolution ?? 0
  const figures = {
    share: numbers.tickPercent(at / whole),
    bytes: numbers.bytes(shown?.bytesAfter ? shown.bytesAfter : bytesAt(at)),
  }
  const words =
    error === null
      ? t('tradeOff.point', figures)
      : t('tradeOff.pointError', { ...figures, error: numbers.error(error, resolution) })
  return (
    <RankChart
      end={whole}
      facts={statistics === undefined ? [name] : [name, t('chart.ofOutputs', { name: statistics })]}
      fileName={`${name}.size-error`}
      first={0}
      fixed
      handle={{
        at: error,
        grip: words,
        label: t('tradeOff.handle'),
        min: start,
        // A goal is less than the file; a plan under another goal may be all of it.
        max: Math.max(whole - 1, at),
        onChange: (thousandths) => setDragged(Math.min(whole - 1, Math.max(start, thousandths))),
        onCommit: () => {
          if (dragged !== null) setGoal({ goalSize: dragged / whole })
          setDragged(null)
        },
        valueText: words,
      }}
      last={whole}
      marks={marks}
      points={points}
      quantity="model"
      rank={at}
      resolution={resolution}
      series={series}
      title={t('tradeOff.title', { name })}
    />
  )
}
