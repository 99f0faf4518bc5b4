/** What becomes of the model, in two columns: its size before and after, and its error with what can be said of that. The same everywhere. */
import type { ReactNode } from 'react'
import type { Message } from '../../core/messages/message.ts'
import { useFile } from '../choices/file.ts'
import { ArrowIcon, WarningIcon } from '../frame/icons.tsx'
import { isOutdated, type KnownError, type Outcome } from '../model/figures/outcome.ts'
import { useSentences, useWords } from '../words/words.ts'

interface OutcomeFiguresProps {
  readonly outcome: Outcome
  /** Why nothing is made smaller; takes the place of an error that would read like a success. */
  readonly nothing?: readonly Message[] | undefined
  /** What can be done about what is not known, or stands in the way. */
  readonly remedy?: ReactNode
  /** Takes the place of the error while it is being found. */
  readonly progress?: ReactNode
}

export function OutcomeFigures({ outcome, nothing, remedy, progress }: OutcomeFiguresProps) {
  return (
    <>
      <SizeColumn outcome={outcome} />
      <div className="outcome-error" data-testid="outcome" data-state={outcome.state}>
        {progress ?? <ErrorColumn nothing={nothing} outcome={outcome} remedy={remedy} />}
      </div>
    </>
  )
}

function SizeColumn({ outcome }: { readonly outcome: Outcome }) {
  const { t, numbers } = useWords()
  const of = useFile(({ report }) => report?.difference?.of)
  const { bytesBefore, bytesAfter, sizeIsExact, compressed, candidates, rounded, state } = outcome
  const share = bytesAfter === null || bytesBefore === 0 ? null : bytesAfter / bytesBefore
  const outdated = isOutdated(outcome)
  return (
    <div className="outcome-size">
      <p
        className="hero"
        data-after={bytesAfter ?? ''}
        data-before={bytesBefore}
        data-exact={sizeIsExact}
        data-outdated={outdated}
        data-testid="file-bytes"
        title={sizeIsExact && bytesAfter !== null ? t('plan.bytes', { bytes: numbers.count(bytesAfter) }) : undefined}
      >
        {numbers.bytes(bytesBefore)}
        {bytesAfter === null ? null : (
          <>
            <span aria-label={t('outcome.becomes')} className="outcome-arrow" role="img">
              <ArrowIcon size={20} />
            </span>
            {sizeIsExact || outdated ? null : <span className="outcome-of">{t('outcome.about')} </span>}
            {numbers.bytes(bytesAfter)}
          </>
        )}
      </p>
      {share === null ? null : (
        <p className="outcome-share">
          <span aria-hidden="true" className="outcome-track">
            <span className="outcome-fill" style={{ width: `${Math.min(100, 100 * share)}%` }} />
          </span>
          {t('outcome.share', { share: numbers.percent(share) })}
        </p>
      )}
      {state === 'measured' || (candidates === 0 && rounded === 0) ? null : (
        <p>
          {compressed === 0 && candidates === 0 && rounded > 0
            ? t('outcome.roundedOnly', { count: rounded, number: numbers.count(rounded) })
            : compressed === null
              ? t(of ? 'adapter.candidates' : 'outcome.candidates', {
                  count: candidates,
                  number: numbers.count(candidates),
                })
              : t(of ? 'adapter.compressed' : 'outcome.compressed', {
                  count: candidates,
                  number: numbers.count(compressed),
                  total: numbers.count(candidates),
                })}
          {rounded > 0 && candidates > 0 ? ` · ${t('outcome.rounded', { number: numbers.count(rounded) })}` : null}
        </p>
      )}
    </div>
  )
}

function ErrorColumn({ outcome, nothing, remedy }: OutcomeFiguresProps) {
  const { t } = useWords()
  const sentences = useSentences()
  const of = useFile(({ report }) => report?.difference?.of)
  if (nothing)
    return (
      <>
        <p className="outcome-unknown">{t('outcome.nothing')}</p>
        <p className="outcome-verdict" data-testid="nothing-compressed" data-verdict="large">
          <WarningIcon size={16} />
          <span>{sentences(nothing)}</span>
        </p>
        {remedy ? <p>{remedy}</p> : null}
      </>
    )
  switch (outcome.state) {
    case 'planned':
      return (
        <>
          <ErrorFigure known={outcome} outdated={!outcome.isCurrent} />
          <WeightError known={outcome} />
          <VerdictLine known={outcome} />
          {outcome.measuredIn === null ? null : (
            <p className="ellipsis" data-testid="measured-in">
              {t('outcome.measuredIn', { name: outcome.measuredIn })}
            </p>
          )}
          {remedy ? <p>{remedy}</p> : null}
        </>
      )
    case 'measured':
      return (
        <>
          <ErrorFigure known={outcome} outdated={false} />
          <WeightError known={outcome} />
          <VerdictLine known={outcome} />
        </>
      )
    case 'stale':
      return (
        <>
          <ErrorFigure known={outcome} outdated />
          <p>
            {t('outcome.stale')} {remedy}
          </p>
        </>
      )
    case 'refused':
      return (
        <>
          <p className="outcome-unknown">{t('outcome.refused')}</p>
          <p className="outcome-verdict" data-verdict="large" role="alert">
            <WarningIcon size={16} />
            <span>{sentences(outcome.refusal.said)}</span>
          </p>
          {remedy ? <p>{remedy}</p> : null}
        </>
      )
    default:
      return (
        <>
          <p className="outcome-unknown">{t(of ? 'adapter.unknown' : 'outcome.unknown')}</p>
          <p>{t('outcome.unknownHelp')}</p>
          {remedy ? <p>{remedy}</p> : null}
        </>
      )
  }
}

function ErrorFigure({ known, outdated }: { readonly known: KnownError; readonly outdated: boolean }) {
  const { t } = useWords()
  return (
    <p className="hero" data-error={known.error} data-outdated={outdated} data-testid="model-error">
      <ErrorNumber known={known} />{' '}
      <span className="outcome-of">
        {t(
          known.isDifference
            ? 'adapter.missed'
            : known.weightError === null
              ? 'outcome.modelError'
              : 'outcome.outputError',
        )}
      </span>
    </p>
  )
}

/** Of the weights, where the figure above is that of outputs. */
function WeightError({ known: { weightError } }: { readonly known: KnownError }) {
  const { t, numbers } = useWords()
  if (weightError === null) return null
  return (
    <p data-error={weightError} data-testid="model-weight-error">
      {t('outcome.weightError', { error: numbers.percent(weightError) })}
    </p>
  )
}

/** Which error it is, in a line; that of the weights stands beside that of outputs. */
function useErrorWords(): (known: KnownError) => string {
  const { t, numbers } = useWords()
  return ({ isDifference, weightError }) => {
    if (isDifference) return t('adapter.missed')
    if (weightError === null) return t('outcome.modelError')
    return t('outcome.outputErrorBeside', { weights: numbers.percent(weightError) })
  }
}

/** A model error as far as its digits mean something, wherever it is shown. */
export function ErrorNumber({ known }: { readonly known: KnownError }) {
  const { t, numbers } = useWords()
  const { error, resolution, least, isDifference, weightError } = known
  const value = numbers.error(error, resolution)
  const help = [
    ...(weightError === null ? [] : [t('outcome.outputHelp')]),
    ...(weightError !== null && !least
      ? []
      : [t(least ? 'plan.leastHelp' : isDifference ? 'adapter.missedHelp' : 'plan.errorHelp')]),
    ...(resolution > 0 ? [t('outcome.resolution', { resolution: numbers.percent(resolution) })] : []),
  ]
  return (
    <span title={help.join(t('app.gap'))}>{least && error > resolution ? t('result.least', { value }) : value}</span>
  )
}

/** Size and error of a run in a line, for lists: the same numbers as in the card. */
export function OutcomeLine({ outcome }: { readonly outcome: Extract<Outcome, { state: 'measured' }> }) {
  const { t } = useWords()
  const errorWords = useErrorWords()
  const { bytesBefore, bytesAfter, verdict } = outcome
  return (
    <span className="outcome-line">
      <SizeChange after={bytesAfter} before={bytesBefore} />
      <span>
        <strong className="number">
          <ErrorNumber known={outcome} />
        </strong>{' '}
        {errorWords(outcome)}
      </span>
      {verdict === 'large' ? (
        <span className="outcome-line-verdict" data-verdict={verdict}>
          <WarningIcon size={14} />
          {t('outcome.verdicts.large')}
        </span>
      ) : null}
    </span>
  )
}

/** "202 MB -> 81.0 MB, 40 %" */
export function SizeChange({ before, after }: { readonly before: number; readonly after: number | null }) {
  const { t, numbers } = useWords()
  if (after === null) return <span className="number">{numbers.bytes(before)}</span>
  const share = numbers.percent(after / Math.max(1, before))
  return (
    <span className="number nowrap" title={t('outcome.share', { share })}>
      {numbers.bytes(before)}
      <span aria-label={t('outcome.becomes')} className="outcome-arrow" role="img">
        <ArrowIcon size={14} />
      </span>
      <strong>{numbers.bytes(after)}</strong>
    </span>
  )
}

function VerdictLine({ known }: { readonly known: KnownError }) {
  const { t } = useWords()
  const large = known.verdict === 'large'
  const nothing = known.error <= known.resolution
  return (
    <p className="outcome-verdict" data-testid="verdict" data-verdict={known.verdict}>
      {large ? <WarningIcon size={16} /> : null}
      <span>
        <strong>{t(nothing ? 'outcome.rounding' : `outcome.verdicts.${known.verdict}`)}</strong> {t('outcome.evaluate')}
      </span>
    </p>
  )
}
