/** What every job over two models asks of their pairs: which are no matrices to factorize, how factors are stored, and what no adapter holds. */
import type { PairModel } from '../../adapters/difference-model.ts'
import { isDifferent, type Pair } from '../../adapters/pair.ts'
import { say } from '../../messages/english.ts'
import type { Message } from '../../messages/message.ts'
import { foreign, quoted } from '../../messages/text.ts'
import type { Params } from '../../params.ts'
import { hasComputableDType, type TensorInfo } from '../../tensor.ts'
import type { PairFacts } from './pair-facts.ts'

/** Why a pair that has a place in the adapter is no matrix to factorize. */
export function unfitFor(pair: Pair, facts: PairFacts | undefined): Message | null {
  const packed = [...pair.base, ...pair.tuned].find(({ tensor }) => !hasComputableDType(tensor) || tensor.unfit)
  if (packed) return say('extract.packed', { dtype: foreign(packed.tensor.storedAs ?? packed.tensor.dtype) })
  if (!facts) return null
  if (facts.nanCount > 0 || facts.infCount > 0)
    return say('extract.non-finite', { nan: facts.nanCount, inf: facts.infCount })
  return facts.difference === 0 ? say('extract.identical') : null
}

/** Factors as an adapter has them: in the dtype of what was tuned, where none is asked for. */
export function ownParams(params: Params, { dtype }: Pick<PairModel, 'dtype'>): Params {
  const factorDType = params.factorDType === 'keep' ? dtype : params.factorDType
  return { ...params, factorDType, factorLayout: 'ab', sparseDensity: 0 }
}

/** What no module holds: tensors of one model alone, and differences of what is no matrix. */
export function leftOut({
  onlyBase,
  onlyTuned,
  pairs,
  compared,
  written,
}: {
  readonly onlyBase: readonly TensorInfo[]
  readonly onlyTuned: readonly TensorInfo[]
  readonly pairs: readonly Pair[]
  readonly compared: ReadonlyMap<string, PairFacts>
  readonly written: ReadonlyMap<string, string>
}): Message[] {
  const some = (items: readonly { readonly name: string }[]) => ({
    count: items.length,
    some: items.slice(0, 3).map(({ name }) => quoted(name)),
  })
  const whole = pairs.filter(
    (pair) =>
      pair.shape.length < 2 &&
      isDifferent(pair) &&
      (compared.get(pair.name)?.difference ?? 0) > 0 &&
      !written.has(pair.name),
  )
  return [
    ...(onlyBase.length > 0 ? [say('extract.only-base', some(onlyBase))] : []),
    ...(onlyTuned.length > 0 ? [say('extract.only-tuned', some(onlyTuned))] : []),
    ...(whole.length > 0 ? [say('extract.whole-left', some(whole))] : []),
  ]
}
