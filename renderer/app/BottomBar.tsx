/** The whole file in one line, and the way to write it. Runs under way or just ended stand above it. */
import { Button, Kbd, Tooltip } from '@mantine/core'
import { useMemo } from 'react'
import type { FileReport } from '../../core/contract.ts'
import { allowedError } from '../../core/params.ts'
import { goalOf } from '../choices/goal.ts'
import { useParams } from '../choices/params.ts'
import { ArrowIcon } from '../frame/icons.tsx'
import { AnalysisStrip } from '../model/AnalyzeModel.tsx'
import { expectedBytes, useEstimate } from '../model/estimate.ts'
import { modelOutlook, useOutlook, usePlanShown } from '../model/outlook.ts'
import { useRefusal } from '../model/refusal.ts'
import { Expected } from '../runs/Expected.tsx'
import { RunStrip } from '../runs/RunStrip.tsx'
import { useWords } from '../words/words.ts'

interface BottomBarProps {
  readonly report: FileReport
  readonly onCompress: () => void
}

export function BottomBar({ report, onCompress }: BottomBarProps) {
  const { t, numbers } = useWords()
  const params = useParams((state) => state.params)
  const estimate = useEstimate()
  const allowed = allowedError(params)
  const byRank = goalOf(params) === 'rank'
  const chosen = estimate.compressed + estimate.wouldGrow
  const outlook = useOutlook()
  const known = useMemo(() => modelOutlook(report.tensors, outlook), [report, outlook])
  const { answer, exact } = usePlanShown()
  const refused = useRefusal() !== null
  const compressed = answer?.compressed ?? (byRank ? estimate.compressed : chosen)

  // A plan counts the whole file, headers included; the page's own estimate counts values.
  const before = answer?.report.bytesBefore ?? estimate.bytesBefore
  const expected = expectedBytes(estimate, params, answer, refused)
  const errorText = () => {
    if (refused) return '–'
    if (answer) {
      const value = numbers.percent(answer.report.relativeError)
      return answer.report.errorIsLeast ? t('result.least', { value }) : value
    }
    if (allowed !== null) return t('bar.atMost', { value: numbers.percent(allowed) })
    if (!byRank || known.known === 0) return '–'
    return t('bar.errorValue', {
      error: numbers.percent(known.error),
      number: numbers.count(known.known),
      // Those that would grow are kept: their error is of no interest.
      total: numbers.count(estimate.compressed),
    })
  }
  return (
    <footer className="bottom">
      <RunStrip />
      <AnalysisStrip />
      <div className="bottom-bar">
        <dl className="bottom-figures">
          <div>
            <dt>{t('bar.file')}</dt>
            <dd
              data-after={answer?.report.bytesAfter ?? Math.round(estimate.bytesAfter)}
              data-before={before}
              data-exact={exact}
              data-testid="file-bytes"
              title={answer ? t('plan.bytes', { bytes: numbers.count(answer.report.bytesAfter) }) : undefined}
            >
              {numbers.bytes(before)}
              <span className="bottom-arrow">
                <ArrowIcon size={16} />
              </span>
              <Expected estimate={estimate} />
            </dd>
          </div>
          <div>
            <dt>{t('bar.share')}</dt>
            <dd>{expected.bytes === 0 || before === 0 ? '–' : numbers.percent(expected.bytes / before)}</dd>
          </div>
          <div>
            <dt>{t('bar.tensors')}</dt>
            <dd>
              {refused
                ? '–'
                : t('bar.tensorsValue', {
                    number: numbers.count(compressed),
                    total: numbers.count(report.tensors.length),
                  })}
            </dd>
          </div>
          <Tooltip
            label={t(answer?.report.errorIsLeast ? 'plan.leastHelp' : answer ? 'plan.errorHelp' : 'bar.errorHelp')}
            multiline
            w={300}
          >
            <div>
              <dt>{t(answer ? 'plan.error' : allowed === null ? 'bar.error' : 'bar.errorGoal')}</dt>
              <dd data-error={answer?.report.relativeError ?? ''} data-testid="model-error">
                {errorText()}
              </dd>
            </div>
          </Tooltip>
        </dl>
        {byRank && estimate.wouldGrow > 0 ? (
          <span className="bottom-note">
            {t('bar.wouldGrow', { count: estimate.wouldGrow, number: numbers.count(estimate.wouldGrow) })}
          </span>
        ) : null}
        <Tooltip
          label={
            <>
              <Kbd>Ctrl</Kbd> <Kbd>Enter</Kbd>
            </>
          }
        >
          <Button disabled={compressed === 0} onClick={onCompress}>
            {t('bar.compress')}
          </Button>
        </Tooltip>
      </div>
    </footer>
  )
}
