/** What the chosen rank means for this tensor, in numbers: error, energy, bytes, and what going fast costs. */
import { useMemo } from 'react'
import type { PlannedTensor } from '../../core/contract.ts'
import { energyKept, excessOverFloor } from '../../core/curves/error-curve.ts'
import { knownRank } from '../../core/curves/resolution.ts'
import { singularValueErrors } from '../../core/curves/singular-value-error.ts'
import { bytesAtRank } from '../../core/plan/verdict.ts'
import { goalOf } from '../choices/goal.ts'
import { useParams } from '../choices/params.ts'
import { errorAt, type TensorView } from '../model/view.ts'
import { useWords } from '../words/words.ts'
import { Figure } from './Figure.tsx'
import { PlannedNote } from './PlannedNote.tsx'

interface ResultPanelProps {
  readonly view: TensorView
  readonly rank: number
  /** What a run would do with it, where that is known. */
  readonly planned: PlannedTensor | null
}

export function ResultPanel({ view, rank, planned }: ResultPanelProps) {
  const { t, numbers } = useWords()
  const params = useParams((state) => state.params)
  const { tensor, size, report } = view
  const kept = planned !== null && planned.rank === null
  const atRank = errorAt(view, rank)
  const error = kept ? 0 : atRank
  const after = planned && (kept || planned.rank === rank) ? planned.bytesAfter : bytesAtRank(view.matrix, rank)
  const grows = !kept && after >= tensor.byteLength
  const floor = view.floor?.[rank] ?? null
  // What is kept has no sketch to be held against anything.
  const sketched = !kept && report?.method === 'randomized'
  const excess = sketched && floor !== null && error !== null ? excessOverFloor(error, floor, report.resolution) : null
  const valueErrors = useValueErrors(view, rank)
  const gaps = kept ? null : valueErrors
  // A goal is cut from the sketch of its analysis; a run at a rank makes a sketch of that rank.
  const least = sketched && goalOf(params) === 'rank' && rank < report.rank
  const bound = (value: string) => (least ? t('result.least', { value }) : value)
  const known = report && knownRank(report)
  const measured = report?.errorSource === 'measured' && rank === report.rank

  return (
    <section aria-label={t('result.title')} className="result">
      <h1 className="tensor-title" title={tensor.name}>
        {tensor.name}
      </h1>
      <div className="tensor-subtitle">
        <span className="dimmed nowrap">
          {size.count > 1 ? `${t('result.stack', { count: size.count })} ` : null}
          {size.rows} × {size.cols} · {tensor.dtype}
        </span>
        {view.noiselike ? (
          <span className="noise-note" title={t('result.noise')}>
            {t('result.noise')}
          </span>
        ) : null}
        {planned ? (
          <PlannedNote planned={planned} />
        ) : goalOf(params) === 'size' ? (
          <span className="dimmed ellipsis">{t('plan.rankUnknown')}</span>
        ) : null}
      </div>
      <dl className="figures">
        <Figure
          data={{
            'data-relative-error': error ?? '',
            'data-rank': kept ? '' : rank,
            'data-stale': String(view.stale),
          }}
          help={
            kept
              ? t('result.keptHelp', {
                  rank: numbers.count(rank),
                  error: atRank === null ? '–' : numbers.percent(atRank),
                })
              : least
                ? t('result.leastHelp', { rank: numbers.count(report.rank) })
                : `${t(measured ? 'result.errorMeasured' : 'result.errorHelp', {
                    resolution: report ? numbers.percent(report.resolution) : '–',
                  })}${known ? ` ${t(known.orMore ? 'result.rankOrMore' : 'result.numericalRank', { rank: numbers.count(known.rank) })}` : ''}`
          }
          label={kept ? t('result.kept') : t('result.error', { rank: numbers.count(rank) })}
          large
          testid="relative-error"
          value={error === null ? '–' : bound(numbers.error(error, report?.resolution ?? 0))}
        />
        <Figure
          help={t('result.energyHelp')}
          label={t('result.energy')}
          value={error === null ? '–' : numbers.percent(energyKept(error))}
        />
        <Figure
          help={
            kept
              ? undefined
              : t(grows ? 'result.growsHelp' : 'result.bytesHelp', { rank: numbers.count(view.breakEven) })
          }
          label={t(grows ? 'result.grows' : 'result.bytes')}
          testid="tensor-bytes"
          value={`${numbers.bytes(tensor.byteLength)} → ${numbers.bytes(after)}`}
          warn={grows}
        />
        <Figure
          data={{ 'data-floor': floor ?? '', 'data-excess': excess ?? '' }}
          help={
            excess === null || floor === null
              ? t(kept ? 'result.keptUnknown' : 'result.excessUnknown')
              : t('result.excessHelp', { floor: numbers.percent(floor) })
          }
          label={t('result.excess')}
          testid="excess"
          value={excess === null ? '–' : excess === 0 ? t('result.equal') : bound(numbers.signedPercent(excess))}
        />
        <Figure
          help={t(kept ? 'result.keptUnknown' : gaps === null ? 'result.excessUnknown' : 'result.valueErrorHelp')}
          label={t('result.valueError')}
          testid="value-error"
          value={
            gaps === null
              ? '–'
              : gaps.max === 0
                ? t('result.equal')
                : `${numbers.percent(gaps.mean)} / ${numbers.percent(gaps.max)}`
          }
        />
      </dl>
    </section>
  )
}

/** Mean and largest relative error of the singular values up to the rank, where the exact ones are known. */
function useValueErrors({ exactValues, report }: TensorView, rank: number): { mean: number; max: number } | null {
  return useMemo(() => {
    // A sketch knows no values beyond its own rank, and those before say nothing of them.
    if (!exactValues || report?.method !== 'randomized' || rank > report.singularValues.length) return null
    return singularValueErrors(exactValues, report.singularValues.slice(0, rank), report.valueResolution)
  }, [exactValues, report, rank])
}
