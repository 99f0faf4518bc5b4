/** What the randomized SVD costs in error and gains in time, in one line below the chart; the exact SVD it takes is offered, with its price. */
import { Button } from '@mantine/core'
import { useMemo, useState } from 'react'
import { excessOverFloor } from '../../core/curves/error-curve.ts'
import { singularValueErrors } from '../../core/curves/singular-value-error.ts'
import { useParams } from '../choices/params.ts'
import { Dialog, useDialog } from '../frame/Dialog.tsx'
import { CompareIcon } from '../frame/icons.tsx'
import { compareWithExact } from '../model/looking/analysis.ts'
import { errorAt, type TensorView } from '../model/looking/view.ts'
import { analysisUnderWay, useWork } from '../model/looking/work.ts'
import { exactBytes, exactSeconds, reckonedPace, usePace } from '../model/planning/price.ts'
import { useWords } from '../words/words.ts'

/** An exact SVD that takes longer asks first. In seconds. */
const askFrom = 5

interface ComparePanelProps {
  readonly view: TensorView
  /** Of the tensor, as the workbench shows it. */
  readonly rank: number
}

export function ComparePanel({ view, rank }: ComparePanelProps) {
  const { t, numbers } = useWords()
  const question = useDialog()
  const params = useParams((state) => state.params)
  const pace = usePace()
  const comparing = useWork((state) => {
    const wish = analysisUnderWay(state)?.wish
    return wish?.kind === 'compare' && wish.tensor === view.tensor.name
  })
  const seconds = pace === null ? null : exactSeconds(view, params, pace)
  // As it was when it was asked: the pace may be lost meanwhile, to a sketch that was kept from before.
  const [asked, setAsked] = useState(seconds)
  const start = () => {
    // Where nothing says how fast this machine is, a long one is still not begun unasked.
    if (exactSeconds(view, params, pace ?? reckonedPace) <= askFrom) return compareWithExact(rank)
    setAsked(seconds)
    question.open()
  }
  const { comparison, comparisonStale: stale, report } = view
  const offered = !comparing && (comparison === null || stale) && report !== null
  const exactly = report?.method === 'exact'
  return (
    <section aria-label={t('compare.title')} className="compare">
      <Gaps rank={rank} view={view} />
      {comparison ? (
        <span>
          {t(comparison.speedup >= 1 ? 'compare.faster' : 'compare.slower', {
            randomized: numbers.duration(comparison.randomized.computeMs?.[0] ?? comparison.randomized.elapsedMs),
            exact: numbers.duration(comparison.exact.computeMs?.[0] ?? comparison.exact.elapsedMs),
            factor: numbers.factor(comparison.speedup >= 1 ? comparison.speedup : 1 / comparison.speedup),
            count: comparison.randomized.threads,
          })}
        </span>
      ) : null}
      {stale ? <span className="compare-note">{t('compare.stale')}</span> : null}
      {offered ? (
        <Button leftSection={<CompareIcon size={16} />} onClick={start} size="compact-sm" variant="light">
          {exactly
            ? t('compare.buttonRandomized')
            : seconds !== null && seconds >= 1
              ? t('compare.buttonAbout', { time: numbers.countdown(1000 * seconds) })
              : t('compare.button')}
        </Button>
      ) : null}
      {question.opened ? (
        <Dialog onClose={question.close} title={t('compare.askTitle', { name: view.tensor.name })}>
          <p>
            {t(asked === null ? 'compare.askUnknown' : 'compare.ask', {
              time: asked === null ? '' : numbers.countdown(1000 * asked),
              memory: numbers.bytes(exactBytes(view.size)),
            })}
          </p>
          <div className="dialog-buttons">
            <Button color="gray" data-autofocus onClick={question.close} variant="subtle">
              {t('app.cancel')}
            </Button>
            <Button
              onClick={() => {
                question.close()
                compareWithExact(rank)
              }}
            >
              {t('compare.start')}
            </Button>
          </div>
        </Dialog>
      ) : null}
    </section>
  )
}

/** How far the randomized result is from the exact one; nothing where either is not known. */
function Gaps({ view, rank }: ComparePanelProps) {
  const { t, numbers } = useWords()
  const { exactValues, report } = view
  const values = useMemo(() => {
    // A sketch knows no values beyond its own rank, and those before say nothing of them.
    if (!exactValues || report?.method !== 'randomized' || rank > report.singularValues.length) return null
    return singularValueErrors(exactValues, report.singularValues.slice(0, rank), report.valueResolution)
  }, [exactValues, report, rank])
  const floor = view.floor?.[rank] ?? null
  const error = errorAt(view, rank)
  const { comparison } = view
  // The exact SVD is on show: how far the sketch is that was made beside it, at its own rank.
  if (report?.method === 'exact' && comparison) {
    const { excess, floor: least, randomized } = comparison
    return (
      <span data-excess={excess} data-floor={least} data-testid="excess">
        {t('compare.atRank', { rank: numbers.count(randomized.rank) })}{' '}
        <strong>{excess === 0 ? t('result.equal') : numbers.signedPercent(excess)}</strong>
      </span>
    )
  }
  if (report?.method !== 'randomized' || floor === null || error === null || view.stale) return null
  const excess = excessOverFloor(error, floor, report.resolution)
  return (
    <>
      <span
        data-excess={excess}
        data-floor={floor}
        data-testid="excess"
        title={t('result.excessHelp', { floor: numbers.percent(floor) })}
      >
        {t('result.excess')} <strong>{excess === 0 ? t('result.equal') : numbers.signedPercent(excess)}</strong>
      </span>
      {values ? (
        <span data-testid="value-error" title={t('result.valueErrorHelp')}>
          {t('result.valueError')}{' '}
          <strong>
            {numbers.percent(values.mean)} / {numbers.percent(values.max)}
          </strong>
        </span>
      ) : null}
    </>
  )
}
