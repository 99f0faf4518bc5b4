/** The whole file in one line, and the way to write it. Runs under way or just ended stand above it. */
import { Button, Kbd, Tooltip } from '@mantine/core'
import { useMemo } from 'react'
import type { FileReport } from '../../core/contract.ts'
import { modelError } from '../../core/measure/curves/model-error.ts'
import { ArrowIcon } from '../icons.tsx'
import { estimateFile, expectedBytes } from '../store/estimate.ts'
import { allowedError, goalOf } from '../store/goal.ts'
import { useJobs } from '../store/jobs.ts'
import { matrixSize } from '../store/matrix.ts'
import { useParams } from '../store/params.ts'
import { isCompressed } from '../store/rules.ts'
import { useSelection } from '../store/selection.ts'
import { useWords } from '../words.ts'
import { Expected } from './Expected.tsx'
import { RunStrip } from './RunStrip.tsx'

interface BottomBarProps {
  readonly report: FileReport
  readonly onCompress: () => void
}

export function BottomBar({ report, onCompress }: BottomBarProps) {
  const { t, numbers } = useWords()
  const params = useParams((state) => state.params)
  const selection = useSelection()
  const analyses = useJobs((state) => state.analyses)
  const { included, excluded } = selection
  const estimate = useMemo(
    () => estimateFile(report.tensors, { included, excluded }, params),
    [report, included, excluded, params],
  )
  const expected = expectedBytes(estimate, params)
  const allowed = allowedError(params)
  const byRank = goalOf(params) === 'rank'
  const chosen = estimate.compressed + estimate.wouldGrow
  const known = useMemo(() => {
    const matrices = report.tensors.flatMap((tensor) => {
      const size = matrixSize(tensor)
      const analysis = analyses[tensor.name]?.report
      const error = analysis?.errorCurve[Math.min(params.rank, analysis.errorCurve.length - 1)]
      if (!size || error === undefined || !isCompressed(tensor, { included, excluded })) return []
      return [{ entries: size.count * size.rows * size.cols, error }]
    })
    return { count: matrices.length, error: modelError(matrices) }
  }, [report, analyses, included, excluded, params.rank])

  const errorText = () => {
    if (allowed !== null) return t('bar.atMost', { value: numbers.percent(allowed) })
    if (!byRank || known.count === 0) return '–'
    return t('bar.errorValue', {
      error: numbers.percent(known.error),
      number: numbers.count(known.count),
      total: numbers.count(chosen),
    })
  }
  return (
    <footer className="bottom">
      <RunStrip />
      <div className="bottom-bar">
        <dl className="bottom-figures">
          <div>
            <dt>{t('bar.file')}</dt>
            <dd
              data-after={Math.round(estimate.bytesAfter)}
              data-before={estimate.bytesBefore}
              data-testid="file-bytes"
            >
              {numbers.bytes(estimate.bytesBefore)}
              <span className="bottom-arrow">
                <ArrowIcon size={16} />
              </span>
              <Expected estimate={estimate} />
            </dd>
          </div>
          <div>
            <dt>{t('bar.share')}</dt>
            <dd>
              {expected.kind === 'unknown' || estimate.bytesBefore === 0
                ? '–'
                : numbers.percent(expected.bytes / estimate.bytesBefore)}
            </dd>
          </div>
          <div>
            <dt>{t('bar.tensors')}</dt>
            <dd>
              {t('bar.tensorsValue', {
                number: numbers.count(byRank ? estimate.compressed : chosen),
                total: numbers.count(report.tensors.length),
              })}
            </dd>
          </div>
          <Tooltip label={t('bar.errorHelp')} multiline w={300}>
            <div>
              <dt>{t(allowed === null ? 'bar.error' : 'bar.errorGoal')}</dt>
              <dd>{errorText()}</dd>
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
          <Button disabled={(byRank ? estimate.compressed : chosen) === 0} onClick={onCompress}>
            {t('bar.compress')}
          </Button>
        </Tooltip>
      </div>
    </footer>
  )
}
