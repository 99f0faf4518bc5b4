/** Which forms are tried: every way of sharing out ranks at one size, or sizes from large to small until none meets the goal on the answer. */
import type { AnswerRow } from '../../../contract.ts'
import { AppError } from '../../../errors.ts'
import type { Allocated, Allocator } from './candidates.ts'
import { distance, isBetter, type Judge, meets, nearest } from './judge.ts'
import type { Bench } from './models.ts'
import { type Form, judgeTried, rowOf, type Tried, tryForm } from './rows.ts'

/** Sizes that are tried for a goal on the answer, as shares of the source. */
const sizesTried = [0.8, 0.6, 0.45, 0.3, 0.2, 0.12] as const
/** And how often the last step is halved. */
const halvings = 2

/** Every way at the size of the choices, and the nearest of them in fewer bits. @throws AppError `bad-request` where there is none */
export async function atOneSize(bench: Bench, allocator: Allocator, judge: Judge): Promise<AnswerRow[]> {
  const rows: AnswerRow[] = []
  for (const allocated of distinct(await allocator.at(allocator.bytes)))
    rows.push(await rowOf(bench, { form: 'low-rank', ...allocated }, judge))
  const best = nearest(rows, judge)
  if (!best?.choices) return rows
  const { allocation, choices } = best
  return [...rows, await rowOf(bench, inFewerBits({ allocation, choices }), judge)]
}

/** Two ways may come to the same ranks. */
function distinct(found: readonly Allocated[]): Allocated[] {
  const seen = new Set<string>()
  return found.filter(({ choices }) => {
    const key = JSON.stringify(choices.pins)
    return !seen.has(key) && seen.add(key)
  })
}

/** For a goal on the answer, of each precision: the smallest that meets it, or the nearest. */
export async function bySizes(bench: Bench, allocator: Allocator, judge: Judge): Promise<AnswerRow[]> {
  const best = new Map<AnswerRow['form'], Tried>()
  const consider = (tried: Tried): boolean => {
    const before = best.get(tried.form)
    best.set(tried.form, before ? keepOne(tried, before, isBetter(tried, before, judge)) : tried)
    return meets(tried.calibration, judge) === true
  }
  const meetsAt = async (share: number): Promise<boolean> => {
    const low = await nearestAt(bench, allocator, Math.floor(share * bench.file.totalBytes), judge)
    if (!low) return false
    const small = await tryForm(bench, inFewerBits(low), judge)
    return [consider(low), consider(small)].includes(true)
  }
  let [enough, short]: [number | null, number | null] = [null, null]
  for (const share of sizesTried) {
    if (!(await meetsAt(share))) {
      short = share
      break
    }
    enough = share
  }
  for (let i = 0; i < halvings && enough !== null && short !== null; i++) {
    const middle = (enough + short) / 2
    if (await meetsAt(middle)) enough = middle
    else short = middle
  }
  const rows: AnswerRow[] = []
  for (const form of ['low-rank', 'low-rank-int8'] as const) {
    const found = best.get(form)
    if (found) rows.push(await judgeTried(bench, found, judge))
  }
  return rows
}

/** The nearest of all ways at one size; null where none is so small. */
async function nearestAt(bench: Bench, allocator: Allocator, bytes: number, judge: Judge): Promise<Tried | null> {
  let best: Tried | null = null
  for (const allocated of distinct(await allocatedAt(allocator, bytes))) {
    const tried = await tryForm(bench, { form: 'low-rank', ...allocated }, judge)
    const isNearer: boolean = best === null || distance(tried.calibration, judge) < distance(best.calibration, judge)
    best = best ? keepOne(tried, best, isNearer) : tried
  }
  return best
}

async function allocatedAt(allocator: Allocator, bytes: number): Promise<readonly Allocated[]> {
  try {
    return await allocator.at(bytes)
  } catch (error) {
    if (error instanceof AppError && error.code === 'bad-request') return []
    throw error
  }
}

/** The first or the second; the other's model is removed. */
function keepOne(first: Tried, second: Tried, keepsFirst: boolean): Tried {
  const [kept, other] = keepsFirst ? [first, second] : [second, first]
  other.model.remove()
  return kept
}

/** The same ranks in INT8, with all that is kept. */
function inFewerBits({ allocation, choices }: Pick<Form, 'allocation' | 'choices'>): Form {
  const params = { ...choices.params, factorDType: 'INT8', int8Always: true, denseDType: 'INT8' } as const
  return { form: 'low-rank-int8', allocation, choices: { ...choices, params } }
}
