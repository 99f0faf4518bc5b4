/** Runs of one model by size and error, over what the plan for each size comes to, where the analysis of A or B knew it. */
import { useMemo } from 'react'
import type { CompressionReport, RunResult } from '../../../core/contract.ts'
import { errorAtSize } from '../../../core/plan/trade-off.ts'
import type { Dot } from '../../charts/plot/LinePlot.tsx'
import { RankChart } from '../../charts/plot/RankChart.tsx'
import type { Series } from '../../charts/series.ts'
import { useWords } from '../../words/words.ts'

interface RunsTradeOffProps {
  /** Of the source. */
  readonly name: string
  readonly a: CompressionReport
  readonly b: CompressionReport
  /** Other runs of the same source. */
  readonly others: readonly RunResult[]
}

/** The axis counts thousandths of the file. */
const whole = 1000
/** Curves nearer than this everywhere are one: analyses for two goals differ in what is chance. */
const sameCurve = 0.003

export function RunsTradeOff({ name, a, b, others }: RunsTradeOffProps) {
  const { t } = useWords()
  const series = useMemo<Series[]>(() => {
    const [ofA, ofB] = [curveOf(a), curveOf(b)]
    const label = t('tradeOff.curve')
    if (!ofA || !ofB || near(ofA, ofB)) {
      const at = ofA ?? ofB
      return at ? [{ id: 'plans', role: 'randomized', label, at, smooth: true }] : []
    }
    return [
      { id: 'a', role: 'randomized', label: t('history.curveOf', { run: 'A' }), at: ofA, smooth: true },
      { id: 'b', role: 'randomized-2', label: t('history.curveOf', { run: 'B' }), at: ofB, smooth: true },
    ]
  }, [a, b, t])
  const points = useMemo(() => [a, b].flatMap(startOf), [a, b])
  const dots = useMemo<Dot[]>(
    () => [...others.map((run) => dotOf(run, null)), dotOf(b, 'B'), dotOf(a, 'A')],
    [a, b, others],
  )
  return (
    <div className="compare-chart">
      <RankChart
        dots={dots}
        end={whole}
        facts={[name]}
        fileName={`${name}.runs`}
        first={0}
        fixed
        last={whole}
        points={points}
        quantity="model"
        rank={null}
        series={series}
        title={t('history.chart', { name })}
      />
      {others.length > 0 ? <p className="dimmed small">{t('history.otherRuns', { count: others.length })}</p> : null}
      {series.length === 0 ? <p className="dimmed small">{t('history.noCurve')}</p> : null}
    </div>
  )
}

function dotOf(run: Pick<RunResult, 'bytesBefore' | 'bytesAfter' | 'relativeError'>, name: string | null): Dot {
  return { x: (whole * run.bytesAfter) / Math.max(1, run.bytesBefore), y: run.relativeError, name }
}

/** The first whole thousandth of a curve, so that it begins where it does. */
function startOf({ plansBySize, bytesBefore }: CompressionReport): number[] {
  return plansBySize ? [Math.ceil((whole * plansBySize[0]![0]) / bytesBefore)] : []
}

/** Model error at thousandths of the source; null outside. */
function curveOf({ plansBySize, bytesBefore }: CompressionReport): Series['at'] | null {
  if (!plansBySize) return null
  const most = plansBySize.at(-1)![0]
  return (thousandths) => {
    const bytes = (thousandths / whole) * bytesBefore
    return bytes > most ? null : errorAtSize(plansBySize, bytes)
  }
}

function near(a: Series['at'], b: Series['at']): boolean {
  for (let at = 0; at <= whole; at += 10) {
    const [one, other] = [a(at), b(at)]
    if (one !== null && other !== null && Math.abs(one - other) > sameCurve) return false
  }
  return true
}
