/** The lines of one tensor's charts, by role, and what pictures of them say below their title. */
import { useMemo } from 'react'
import type { AnalysisReport } from '../../core/contract.ts'
import { say } from '../../core/messages/english.ts'
import type { Message } from '../../core/messages/message.ts'
import { dtypeWords } from '../../core/plan/describe.ts'
import { lookOf, type Role } from '../../core/report/series.ts'
import { useFile } from '../choices/file.ts'
import { useStatistics } from '../choices/statistics.ts'
import type { TensorView } from '../model/looking/view.ts'
import { useSentences, useWords } from '../words/words.ts'
import type { Mark } from './plot/LinePlot.tsx'
import { fromArray, type Series } from './series.ts'

export type SayRole = (role: Role) => string

/** The name of a role that has no numbers in it. */
export function useRoleNames(): SayRole {
  const sentences = useSentences()
  return useMemo(() => {
    return (role) => sentences(say(lookOf(role).name as 'series.noise'))
  }, [sentences])
}

interface ErrorLines {
  /** Of noise, at a rank. */
  readonly noise: (rank: number) => number | null
  /** What is drawn of an error. */
  readonly of: (error: number) => number
}

/** Noise, the exact SVD where it is known, the last report, and how far the sketch at work has come. */
export function useTensorSeries(view: TensorView, { noise, of }: ErrorLines): readonly Series[] {
  const name = useRoleNames()
  const sentences = useSentences()
  // biome-ignore lint/correctness/useExhaustiveDependencies: noise and of are formulas of the view
  return useMemo(() => {
    const line = (role: Role, errors: ArrayLike<number>, label = name(role)): Series => {
      const at = fromArray(errors, 0)
      const drawn = (rank: number) => {
        const error = at(rank)
        return error === null ? null : of(error)
      }
      return { id: role, role, label, at: drawn, smooth: true }
    }
    const { floor, estimate, stale, curve } = view
    const series: Series[] = []
    if (view.report && (estimate !== null || stale)) series.push(line('before', curve))
    else {
      const sketch = sketchOf(view)
      if (sketch) series.push(line('randomized', sketch.errorCurve))
    }
    if (estimate) {
      const { iteration, iterations, errorCurve } = estimate
      series.push(line('estimate', errorCurve, sentences(say('series.estimate', { iteration, iterations }))))
    }
    if (floor) series.push(line('exact', floor))
    // Errors of outputs have no such line.
    if (!view.report?.outputs)
      series.push({ id: 'noise', role: 'noise', label: name('noise'), at: noise, smooth: true })
    return series
  }, [view, name, sentences])
}

/** The randomized side: of the last report, or of the comparison beside an exact one. */
export function sketchOf({ report, comparison, comparisonStale }: TensorView): AnalysisReport | null {
  if (report?.method === 'randomized') return report
  return comparisonStale ? null : (comparison?.randomized ?? null)
}

/** Break-even, and where the plan has its rank while another is looked at. */
export function useRankMarks(view: TensorView, planned: number | null, last: number): readonly Mark[] {
  const breakEven = useBreakEven(view, last)
  const { t } = useWords()
  return useMemo(
    () =>
      planned === null
        ? breakEven
        : [...breakEven, { rank: planned, label: t('chart.planned', { rank: planned }), role: 'plan' }],
    [breakEven, planned, t],
  )
}

/** Break-even, where the axis shows it. */
function useBreakEven({ breakEven, matrix }: TensorView, last: number): readonly Mark[] {
  // A difference has no bytes to save.
  const rank = matrix.isDifference ? 0 : breakEven
  const sentences = useSentences()
  return useMemo(
    () =>
      rank > 0 && rank <= last ? [{ rank, label: sentences(say('series.break-even', { rank })), role: 'limit' }] : [],
    [rank, last, sentences],
  )
}

/** Model, tensor, shape, dtype, method with its parameters and seed. */
export function useTensorFacts({ tensor, size, report }: TensorView): readonly string[] {
  const model = useFile((state) => state.report?.name)
  const statistics = useStatistics(({ chosen }) => chosen?.grant.name)
  const sentences = useSentences()
  const { t, numbers } = useWords()
  return useMemo(
    () => [
      ...(model === undefined ? [] : [model]),
      `${numbers.count(size.rows)} × ${numbers.count(size.cols)}`,
      sentences(dtypeWords(tensor)),
      ...(report ? [sentences(methodOf(report))] : []),
      ...(report?.outputs && statistics !== undefined ? [t('chart.ofOutputs', { name: statistics })] : []),
    ],
    [model, statistics, tensor, size, report, sentences, t, numbers],
  )
}

export function methodOf({ method, rank, oversample, nIter: passes, seed }: AnalysisReport): Message {
  return method === 'exact' ? say('report.exact') : say('report.randomized', { rank, oversample, passes, seed })
}
