/** Both sides on shared axes: error against rank, and singular values. The charts are those of one tensor, fed with the series of two ways. */
import { useMemo } from 'react'
import type { AnalysisReport, VersusReport } from '../../core/contract.ts'
import { floorCurve } from '../../core/curves/error-curve.ts'
import { noiseError } from '../../core/curves/noise-line.ts'
import type { Role } from '../../core/report/series.ts'
import { RankChart } from '../charts/plot/RankChart.tsx'
import { fromArray, type Series } from '../charts/series.ts'
import { methodOf, useRoleNames } from '../charts/tensor-series.ts'
import { useFile } from '../choices/file.ts'
import { type SideName, sideNames } from '../model/looking/versus.ts'
import { useSentences, useWords } from '../words/words.ts'

export function VersusErrors({ report }: { readonly report: VersusReport }) {
  const { t } = useWords()
  const name = useRoleNames()
  const [rows, cols] = sizeOf(report)
  const lines = useLines(report, errorsOf, 0)
  const series = useMemo<readonly Series[]>(
    () =>
      // Errors of outputs have no noise line.
      report.a.report.outputs
        ? lines
        : [
            ...lines,
            { id: 'noise', role: 'noise', label: name('noise'), at: (at) => noiseError(rows, cols, at), smooth: true },
          ],
    [lines, rows, cols, name, report],
  )
  return (
    <RankChart
      {...useShared(report)}
      fileName={`${report.tensor}.ab-error`}
      first={0}
      quantity="error"
      series={series}
      title={t('ab.errorTitle', { name: report.tensor })}
    />
  )
}

export function VersusValues({ report }: { readonly report: VersusReport }) {
  const { t } = useWords()
  return (
    <RankChart
      {...useShared(report)}
      fileName={`${report.tensor}.ab-singular-values`}
      first={1}
      quantity="value"
      series={useLines(report, valuesOf, 1)}
      title={t('ab.valuesTitle', { name: report.tensor })}
    />
  )
}

/** What is said of the sides is said up to a little beyond the larger rank. */
function useShared(report: VersusReport) {
  const model = useFile((state) => state.report?.name)
  const sentences = useSentences()
  const { t } = useWords()
  return useMemo(() => {
    const [rows, cols] = sizeOf(report)
    const ranks = sideNames.map((side) => report[side].report.rank)
    const last = Math.max(2, Math.min(rows, cols, Math.ceil(1.25 * Math.max(...ranks))))
    const ways = sideNames.map((side) =>
      t('ab.line', { side: t(`ab.${side}`), way: sentences(methodOf(report[side].report)) }),
    )
    const facts = [...(model === undefined ? [] : [model]), report.tensor, `${rows} × ${cols}`, ...ways]
    return { end: last, facts, fixed: true, last, points: ranks, rank: Math.min(...ranks) }
  }, [report, model, sentences, t])
}

/** A line for each side over what `listOf` finds in its report. */
function useLines(
  report: VersusReport,
  listOf: (side: AnalysisReport) => readonly number[],
  first: 0 | 1,
): readonly Series[] {
  const { t } = useWords()
  const name = useRoleNames()
  return useMemo(() => {
    const alike = report.a.report.method === report.b.report.method
    const line = (side: SideName): Series => {
      const found = report[side].report
      // Two of a kind are told apart by color.
      const role: Role = alike && side === 'b' ? `${found.method}-2` : found.method
      const label = t('ab.line', { side: t(`ab.${side}`), way: name(role) })
      return { id: side, role, label, at: fromArray(listOf(found), first), smooth: true }
    }
    return sideNames.map(line)
  }, [report, listOf, first, t, name])
}

/** An exact side knows its error at every rank. */
function errorsOf({ method, singularValues, errorCurve }: AnalysisReport): readonly number[] {
  return method === 'exact' ? floorCurve(singularValues) : errorCurve
}
const valuesOf = ({ singularValues }: AnalysisReport) => singularValues

function sizeOf({ a }: VersusReport): readonly [number, number] {
  const [rows = 0, cols = 0] = a.report.matrix
  return [rows, cols]
}
