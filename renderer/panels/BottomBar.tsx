/** The whole file in one line, and the way to write it. Runs under way or just ended stand above it. */
import { Button, Kbd, Tooltip } from '@mantine/core'
import { useMemo } from 'react'
import type { FileReport } from '../../core/contract.ts'
import { modelError } from '../../core/measure/curves/model-error.ts'
import { ArrowIcon } from '../icons.tsx'
import { estimateFile } from '../store/estimate.ts'
import { useJobs } from '../store/jobs.ts'
import { matrixSize } from '../store/matrix.ts'
import { useParams } from '../store/params.ts'
import { isCompressed, useSelection } from '../store/selection.ts'
import { useWords } from '../words.ts'
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
              {numbers.bytes(estimate.bytesAfter)}
            </dd>
          </div>
          <div>
            <dt>{t('bar.share')}</dt>
            <dd>{numbers.percent(estimate.bytesBefore === 0 ? 1 : estimate.bytesAfter / estimate.bytesBefore)}</dd>
          </div>
          <div>
            <dt>{t('bar.tensors')}</dt>
            <dd>
              {t('bar.tensorsValue', {
                number: numbers.count(estimate.compressed),
                total: numbers.count(report.tensors.length),
              })}
            </dd>
          </div>
          <Tooltip label={t('bar.errorHelp')} multiline w={300}>
            <div>
              <dt>{t('bar.error')}</dt>
              <dd>
                {known.count === 0
                  ? '–'
                  : t('bar.errorValue', {
                      error: numbers.percent(known.error),
                      number: numbers.count(known.count),
                      total: numbers.count(estimate.compressed + estimate.wouldGrow),
                    })}
              </dd>
            </div>
          </Tooltip>
        </dl>
        {estimate.wouldGrow > 0 ? (
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
          <Button disabled={estimate.compressed === 0} onClick={onCompress}>
            {t('bar.compress')}
          </Button>
        </Tooltip>
      </div>
    </footer>
  )
}
