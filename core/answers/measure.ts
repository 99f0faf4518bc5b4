/** Models on the same samples, one after another in every round, so that whatever else the machine does meets all of them. */
import type { OutputDifference } from '../contract/answers.ts'
import { AppError } from '../errors.ts'
import { say } from '../messages/english.ts'
import { fileName, quoted } from '../messages/text.ts'
import { differenceOf } from './compare.ts'
import type { RunningModel } from './runner.ts'
import type { Samples } from './samples.ts'
import { namedValue } from './value.ts'

/** What ran, and what it is called in sentences. */
interface NamedModel {
  readonly name: string
  readonly model: RunningModel
}

export interface Measured {
  /** Milliseconds of each timed run. */
  readonly times: readonly number[]
  readonly peakBytes: number
  /** Against the original; all equal for the original itself. */
  readonly outputs: readonly OutputDifference[]
}

/** @throws AppError `bad-request` where inputs or outputs are not those of the original */
export function refuseOthers(original: NamedModel, others: readonly NamedModel[]): void {
  const slotsOf = ({ model: { inputs, outputs } }: NamedModel) =>
    JSON.stringify([inputs.map(({ name, type }) => [name, type]), outputs])
  for (const other of others)
    if (slotsOf(other) !== slotsOf(original))
      throw new AppError(
        'bad-request',
        say('answers.inputs-changed', { original: fileName(original.name), compressed: fileName(other.name) }),
      )
}

/**
 * @param models the original first
 * @param rounds timed runs of each sample, after one that is not: the first of a shape finds its memory
 * @throws AppError of a run; `bad-request` for outputs of different sizes
 */
export async function measureModels(
  models: readonly RunningModel[],
  samples: Samples,
  rounds: number,
  onSample: (done: number, total: number) => void = () => {},
): Promise<Measured[]> {
  const [original] = models
  const found = models.map(() => ({
    times: [] as number[],
    peakBytes: 0,
    differences: original!.outputs.map((name) => ({ name, difference: differenceOf(name) })),
  }))
  for (let i = 0; i < samples.count; i++) {
    const feeds = await samples.at(i)
    const of = await original!.run(feeds)
    for (const [at, model] of models.entries()) {
      const with_ = at === 0 ? of : await model.run(feeds)
      for (const { name, difference } of found[at]!.differences) {
        const [a, b] = [namedValue(of.outputs, name), namedValue(with_.outputs, name)]
        if (!a || !b) continue
        if (a.bytes.byteLength !== b.bytes.byteLength)
          throw new AppError('bad-request', say('answers.outputs-differ', { output: quoted(name) }))
        difference.add(a, b)
      }
    }
    for (let round = 0; round < rounds; round++)
      for (const [at, model] of models.entries()) {
        const { elapsedMs, peakBytes } = await model.run(feeds)
        const one = found[at]!
        one.times.push(elapsedMs)
        one.peakBytes = Math.max(one.peakBytes, peakBytes)
      }
    onSample(i + 1, samples.count)
  }
  return found.map(({ times, peakBytes, differences }) => ({
    times,
    peakBytes,
    outputs: differences.map(({ difference }) => difference.result()),
  }))
}
