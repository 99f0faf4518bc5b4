/**
 * Ranks of an extraction by the rules of LoRA tools: a look at each difference finds its rank, and the run writes it at that. `ratio` asks for the values
 * above a share of the largest, which a sketch has; `cumulative` for the sum of all of them, which the exact SVD has.
 */
import { rankBy } from '../../adapters/rank-rules.ts'
import type { RankRule } from '../../contract.ts'
import type { WeightFile } from '../../formats/format.ts'
import { patternFor } from '../../glob.ts'
import type { JobContext } from '../../matrix/context.ts'
import { factorizedMatrix } from '../../matrix/factorize-matrix.ts'
import { loadMatrix } from '../../matrix/load.ts'
import { goalSketch } from '../../plan/analysis-rank.ts'
import { largestUsefulRank } from '../../plan/factor-dtype.ts'
import { type Choices, type FactorizedTensor, isFactorized, planByNames } from '../../plan/plan.ts'
import { storedAs } from '../../plan/verdict.ts'
import type { OutputStyle } from '../../write/styles/style.ts'

export async function pinnedByRule<C extends Choices>(
  file: WeightFile,
  choices: C,
  style: OutputStyle,
  rule: RankRule,
  context: JobContext,
): Promise<C> {
  const { params } = choices
  // The norm of the first values is this share of all: their squares the square of it.
  if (rule.rule === 'fro')
    return { ...choices, params: { ...params, goalEnergy: rule.value ** 2, goalScope: 'tensor', minRank: 1 } }
  const method = rule.rule === 'cumulative' ? 'exact' : params.method
  const plans = planByNames(file, { ...choices, params: { ...params, method } }, style).filter(isFactorized)
  const total = plans.reduce((sum, { info }) => sum + info.byteLength, 0)
  let done = 0
  const pins: { readonly match: string; readonly rank: number }[] = []
  for (const plan of plans) {
    context.checkCancelled()
    context.report({ type: 'progress', phase: 'analyze', tensor: plan.info.name, done, total })
    const { info, view } = plan
    const most = largestUsefulRank(info, view, storedAs(info.dtype, params, style))
    const s = await singularValues(file, plan, { ...params, method }, rule, context)
    pins.push({ match: patternFor(info.name), rank: Math.max(1, Math.min(rankBy(rule, s), most)) })
    done += info.byteLength
  }
  return { ...choices, pins: [...pins, ...(choices.pins ?? [])] }
}

/** As many as the rule needs: all of them, or so many that the last is below what is asked for. */
async function singularValues(
  file: WeightFile,
  plan: FactorizedTensor,
  params: Choices['params'],
  rule: RankRule,
  context: JobContext,
): Promise<ArrayLike<number>> {
  const { info, view } = plan
  const mark = context.kernels.mark()
  try {
    for (let { maxRank } = params; ; maxRank *= 2) {
      const sketch = goalSketch(info, view, { ...params, maxRank })
      const loaded = await loadMatrix(file, info, view, 0, context, sketch)
      const { spectrum, s } = await factorizedMatrix({ ...plan, sketch }, 0, loaded, context, true)
      if (spectrum) return spectrum
      const ends = s.length === 0 || s[s.length - 1]! <= s[0]! / rule.value
      if (ends || sketch.rank < Math.min(maxRank, view.rows, view.cols)) return s
      context.kernels.release(mark)
    }
  } finally {
    context.kernels.release(mark)
  }
}
