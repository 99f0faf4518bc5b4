/** Ranks for a size, in each way that plan/answer-allocations.ts knows, as choices that `compress` takes. */
import type { RunningModel } from '../../../answers/runner.ts'
import { recipeParams } from '../../../contract.ts'
import { AppError } from '../../../errors.ts'
import { patternFor } from '../../../glob.ts'
import type { JobContext } from '../../../matrix/context.ts'
import { findOnce } from '../../../matrix/facts.ts'
import {
  type AllocationKind,
  type Sensitivity,
  triedRanks,
  uniformRanks,
  type WeightedKind,
  weighCandidates,
  weightedKinds,
} from '../../../plan/answer-allocations.ts'
import type { Candidate } from '../../../plan/candidate.ts'
import { hasGoal, noGoal } from '../../../plan/goal.ts'
import { sizeGoalBytes } from '../../../plan/goals.ts'
import { wholeRun } from '../../../plan/parts.ts'
import { type Choices, isFactorized, planByNames, type TensorPlan } from '../../../plan/plan.ts'
import { type Allocation, fitToSize, ranksForSizes } from '../../../plan/rank-allocation.ts'
import { storageName } from '../../../tensor.ts'
import { type Compression, plannedCompression } from '../../../write/compression.ts'
import { predictedBytes } from '../../../write/predicted-output.ts'
import { hexadecimal } from '../../../write/source-hash.ts'
import { analyzeCandidates, checkValues, planRun, weighingOf } from '../planned-run.ts'
import { type AnsweredSamples, answerOf, type Bench, whileRunning, writeCandidate } from './models.ts'

export interface Allocated {
  readonly allocation: AllocationKind
  readonly choices: Choices
}

export interface Allocator {
  /** Bytes that rank or goal of the choices come to. */
  readonly bytes: number
  /** @throws AppError `bad-request` where no way has so few bytes */
  at(bytes: number): Promise<Allocated[]>
}

/** Samples that a matrix alone is tried on, and models that are written for that at most. */
const mostSamples = 15
const mostTrials = 240

/**
 * Analyzes every matrix once.
 * @param samples on which each matrix alone is tried; null: those kinds are left out
 * @param expects so many models will be written for it
 */
export async function answerAllocator(
  bench: Bench,
  job: Choices,
  samples: AnsweredSamples | null,
  expects: (models: number) => void,
): Promise<Allocator> {
  const { file, style, context } = bench
  const compression = plannedCompression(file, style, wholeRun, context)
  const bytes = await bytesAskedFor(compression, job)
  // The sketches of a goal reach as far as any of them goes.
  const params = { ...job.params, ...noGoal, goalSize: Math.max(2, bytes) }
  const plans = await checkValues(file, planByNames(file, { ...job, params }, style), context)
  const candidates = await analyzeCandidates(file, plans, params, weighingOf(compression), context)
  const free = candidates.filter(({ plan, maxRank }) => plan.pinned === undefined && maxRank > 0)
  const pinned = candidates.filter(({ plan }) => plan.pinned !== undefined)
  const choicesOf = (allocation: Allocation) => asChoices(job, plans, free, allocation, pinned)
  const sizeOf = (choices: Choices) => predictedBytes(compression, planByNames(file, choices, style))
  const canTry = samples !== null && free.length > 0 && free.length <= mostTrials
  let tried: readonly (readonly Sensitivity[])[] | null = null

  const uniformAt = (goal: number): Allocation | null => {
    let [low, high] = [0, 1]
    if (sizeOf(choicesOf(uniformRanks(free, low))) > goal) return null
    for (let i = 0; i < 24; i++) {
      const middle = (low + high) / 2
      if (sizeOf(choicesOf(uniformRanks(free, middle))) <= goal) low = middle
      else high = middle
    }
    return uniformRanks(free, low)
  }

  const weightedAt = (kind: WeightedKind, goal: number, uniform: Allocation): Allocation => {
    const ranksFor = ranksForSizes(weighCandidates(free, kind, uniform, tried ?? []), 'water-filling')
    const allKept = sizeOf(choicesOf(free.map(() => null)))
    const budget = goal - (allKept - free.reduce((sum, { keptBytes }) => sum + (keptBytes ?? 0), 0))
    return fitToSize(goal, budget, ranksFor, (ranks) => sizeOf(choicesOf(ranks)))
  }

  /** `measured` and `logits` need models that were run, `logits` a softmax or sigmoid as well. */
  const offeredKinds = () =>
    weightedKinds.filter((kind) => {
      if (kind === 'measured') return tried !== null
      return kind !== 'logits' || (tried !== null && bench.logits.length > 0)
    })

  return {
    bytes,
    at: async (goal) => {
      const uniform = uniformAt(goal)
      if (samples && canTry && !tried) {
        const shares = 3 * free.length <= mostTrials ? undefined : [0.45]
        const ranks = free.map((candidate) => triedRanks(candidate, shares))
        expects(ranks.reduce((sum, each) => sum + each.length, 0))
        tried = await sensitivities(bench, job, free, ranks, samples)
      }
      const found: Allocated[] = uniform ? [{ allocation: 'uniform', choices: choicesOf(uniform) }] : []
      let refusal: unknown = null
      const floors = uniform ?? free.map(() => 1)
      for (const kind of offeredKinds()) {
        try {
          found.push({ allocation: kind, choices: choicesOf(weightedAt(kind, goal, floors)) })
        } catch (error) {
          if (!(error instanceof AppError && error.code === 'bad-request')) throw error
          refusal = error
        }
      }
      if (found.length === 0 && refusal) throw refusal
      return found
    },
  }
}

/** Each matrix alone at its ranks: what the answer then loses. */
async function sensitivities(
  bench: Bench,
  job: Choices,
  candidates: readonly Candidate[],
  ranks: readonly (readonly number[])[],
  samples: AnsweredSamples,
): Promise<Sensitivity[][]> {
  const found: Sensitivity[][] = []
  const { context, judged, logits } = bench
  const samplesHash = await hashOf(samples, context)
  for (const [i, { plan }] of candidates.entries()) {
    const mine: Sensitivity[] = []
    for (const rank of ranks[i]!) {
      const match = patternFor(plan.info.name)
      const params = { ...job.params, ...noGoal, denseDType: 'keep' } as const
      const alone: Choices = { params, include: [match], exclude: job.exclude, pins: [{ match, rank }] }
      // Another goal is then a matter of seconds.
      const fact = ['sensitivity', samplesHash, judged, logits, recipeParams(params), plan.info.name, rank]
      const costs = await findOnce(context, fact, async () => {
        const candidate = await writeCandidate(bench, alone)
        try {
          const find = async (model: RunningModel) => answerOf(bench, model, samples, mostSamples)
          const { answer, logitsError } = await whileRunning(bench, candidate, find)
          return { measured: costOf(answer.notFinite, answer.error), logits: costOf(answer.notFinite, logitsError) }
        } finally {
          candidate.model.remove()
        }
      })
      mine.push({ rank, ...costs })
    }
    found.push(mine)
  }
  return found
}

/** An answer of NaN or Inf costs all there is. */
function costOf(notFinite: number, error: number | null): number {
  return notFinite > 0 ? 1 : (error ?? 0) ** 2
}

/** Tells these inputs from any others. */
async function hashOf(samples: AnsweredSamples, { sha256 }: Pick<JobContext, 'sha256'>): Promise<string> {
  const hash = sha256()
  for (let i = 0; i < Math.min(mostSamples, samples.count); i++) {
    const { feeds } = await samples.at(i)
    for (const [name, { type, dims, bytes }] of Object.entries(feeds)) {
      hash.update(new TextEncoder().encode(JSON.stringify([name, type, dims])))
      hash.update(bytes)
    }
  }
  return hexadecimal(hash.digest())
}

/** What is factorized is named, each with its rank: everything else is kept, by no rule that would keep it from INT8. */
function asChoices(
  job: Choices,
  plans: readonly TensorPlan[],
  free: readonly Candidate[],
  allocation: Allocation,
  pinned: readonly Candidate[],
): Choices {
  const ranks = new Map<string, number>()
  for (const [i, { plan }] of free.entries()) {
    const rank = allocation[i]
    if (rank != null) ranks.set(storageName(plan.info), rank)
  }
  for (const { plan, maxRank } of pinned) if (maxRank > 0) ranks.set(storageName(plan.info), maxRank)
  const named = plans.filter((plan) => isFactorized(plan) && ranks.has(storageName(plan.info)))
  const names = named.map(({ info }) => patternFor(info.name))
  const pins = named.map(({ info }) => ({ match: patternFor(info.name), rank: ranks.get(storageName(info))! }))
  return {
    params: { ...job.params, ...noGoal },
    include: names.length > 0 ? names : [noTensor],
    exclude: job.exclude,
    pins,
  }
}

/** A name that no tensor has: with it nothing is factorized. */
export const noTensor = '(none)'

async function bytesAskedFor(compression: Compression, job: Choices): Promise<number> {
  const { file } = compression
  const size = sizeGoalBytes(job.params, file.totalBytes)
  if (hasGoal(job.params) && size !== null) return size
  const { plans } = await planRun(compression, job)
  return predictedBytes(compression, plans)
}
