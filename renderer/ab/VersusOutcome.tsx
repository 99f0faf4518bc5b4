/** What a comparison found: the verdict, the numbers behind it, and the curves of both sides. */
import { useEffect, useRef } from 'react'
import type { VersusResult } from '../model/looking/versus.ts'
import { useSentences, useWords } from '../words/words.ts'
import { VersusErrors, VersusValues } from './VersusCharts.tsx'
import { VersusTable } from './VersusTable.tsx'
import { verdictSentence } from './verdict.ts'

interface VersusOutcomeProps {
  readonly result: VersusResult
  /** Computed with other parameters than are shown above it. */
  readonly stale: boolean
}

export function VersusOutcome({ result, stale }: VersusOutcomeProps) {
  const { t, numbers } = useWords()
  const sentences = useSentences()
  const { report } = result
  const { a, b } = report
  const [rows, cols] = a.report.matrix
  const runs = Math.max(a.errors.length, b.errors.length)
  const exactSides = [a, b].filter((side) => side.report.method === 'exact').length
  const counted = runs > 1 ? [t('ab.several', { count: runs })] : [t(exactSides === 2 ? 'ab.exactOnce' : 'ab.once')]
  if (runs > 1 && exactSides === 1) counted.push(t('ab.exactRanOnce'))
  const notices = [...new Set([...a.report.notices, ...b.report.notices].map(sentences))]
  const verdict = useRef<HTMLDivElement>(null)
  // In a low window the answer may lie below the parameters it answers.
  // biome-ignore lint/correctness/useExhaustiveDependencies: each result is shown once
  useEffect(() => {
    verdict.current?.scrollIntoView({ block: 'nearest' })
  }, [report])
  return (
    <>
      <div className="ab-verdict" data-stale={stale} data-testid="ab-verdict" ref={verdict}>
        <p className="ab-sentence">{verdictSentence(report, t, numbers)}</p>
        {stale ? <p className="ab-note">{t('ab.stale')}</p> : null}
        {result.disturbed ? <p className="ab-note">{t('ab.disturbed')}</p> : null}
        <p className="dimmed small">{counted.join(t('app.gap'))}</p>
        {notices.map((notice) => (
          <p className="dimmed small" key={notice}>
            {notice}
          </p>
        ))}
      </div>
      <VersusTable result={result} />
      <p className="dimmed small">{t('ab.machine', { rows, cols, dtype: a.report.dtype, count: a.report.threads })}</p>
      <VersusErrors report={report} />
      <VersusValues report={report} />
    </>
  )
}
