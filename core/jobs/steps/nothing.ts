/** Whether a plan compresses nothing, and the sentence for it. */
import { say } from '../../messages/english.ts'
import type { Message } from '../../messages/message.ts'
import type { Candidate, TensorSpectrum } from '../../plan/candidate.ts'
import { nothingCompressed, type Unshrunk } from '../../plan/nothing.ts'
import { type Choices, isFactorized, type TensorPlan } from '../../plan/plan.ts'
import { verdictsOn } from '../../plan/verdict.ts'
import { judgeBy } from '../../rules.ts'
import { elementCount, oncePerStorage, storageName } from '../../tensor.ts'
import type { Compression } from '../../write/compression.ts'
import { isDenseInt8 } from '../../write/dense-int8.ts'

/**
 * The sentence for a plan that leaves the model as it is; none where it does not.
 * @param candidates of a goal
 * @param spectra by storage, of what was analyzed without one
 */
export function nothingIn(
  { file, style, context }: Compression,
  job: Choices,
  plans: readonly TensorPlan[],
  candidates: readonly Candidate[],
  spectra: ReadonlyMap<string, Pick<TensorSpectrum, 'truncation'>> = new Map(),
): Message[] {
  // Of differences nothing is to be saved, and an output of factors alone says what it leaves out.
  if (style.isDifference || !style.copiesKept) return []
  if (plans.some((plan) => isFactorized(plan) || isDenseInt8(plan))) return []
  const verdicts = verdictsOn(file.tensors, job.params, judgeBy(job), style)
  const once = oncePerStorage(plans)
  const candidateOf = new Map(candidates.map((candidate) => [storageName(candidate.plan.info), candidate]))
  const matrices = once.flatMap(({ info }): Unshrunk[] => {
    const verdict = verdicts.get(info.name)
    if (verdict?.action !== 'factorize' || verdict.refusal !== null) return []
    const candidate = candidateOf.get(storageName(info))
    const curve = (candidate?.spectrum ?? spectra.get(storageName(info)))?.truncation.map(Math.sqrt)
    return [{ ...verdict, curve, ...(candidate && { rounded: Array.from(candidate.squaredErrors, Math.sqrt) }) }]
  })
  const entries = once.reduce((sum, { info, view }) => sum + (view ? elementCount(info.shape) : 0), 0)
  const weighted = context.outputNorm !== undefined
  const asked = { params: job.params, style, totalBytes: file.totalBytes, entries, weighted }
  return [say('nothing.compressed', { parts: nothingCompressed(matrices, asked).parts })]
}
