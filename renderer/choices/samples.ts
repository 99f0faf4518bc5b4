/** What models are run on: arrays of the user's, or samples drawn from the shapes of their inputs. Of the open model, until another is opened. */
import { create } from 'zustand'
import type { FileReport, Grant } from '../../core/contract.ts'
import { usualSize } from '../../core/open-sizes.ts'

/** What runs a model. */
export type SampleUse = 'calibrate' | 'try'

interface SamplesState {
  /** Files of arrays; none: samples are drawn. What a model was calibrated on says little of what it answers: each use has its own. */
  readonly given: Readonly<Record<SampleUse, readonly Grant[]>>
  /** How many are drawn. */
  readonly drawn: Readonly<Record<SampleUse, number>>
  /** Of dimensions that the model leaves open, by their names or as input.axis; of others the usual ones hold. */
  readonly sizes: Readonly<Record<string, number>>
}

const start: SamplesState = { given: { calibrate: [], try: [] }, drawn: { calibrate: 16, try: 8 }, sizes: {} }

export const useSamples = create<SamplesState>(() => start)

export const samplesReducers = {
  reset() {
    useSamples.setState(start)
  },
  give(use: SampleUse, grant: Grant) {
    useSamples.setState(({ given }) => ({
      given: { ...given, [use]: [...given[use].filter(({ id }) => id !== grant.id), grant] },
    }))
  },
  takeBack(use: SampleUse, id: string) {
    useSamples.setState(({ given }) => ({
      given: { ...given, [use]: given[use].filter((grant) => grant.id !== id) },
    }))
  },
  draw(use: SampleUse, count: number) {
    useSamples.setState(({ drawn }) => ({ drawn: { ...drawn, [use]: count } }))
  },
  size(name: string, size: number) {
    useSamples.setState(({ sizes }) => ({ sizes: { ...sizes, [name]: size } }))
  },
}

/** A dimension that the model leaves open. */
interface OpenSize {
  /** As jobs take it. */
  readonly key: string
  readonly usual: number
}

/** Each once: inputs that share the name of one share its size. */
export function openSizesOf({ inputs = [] }: Pick<FileReport, 'inputs'>): readonly OpenSize[] {
  const found = new Map<string, OpenSize>()
  for (const { name, shape } of inputs)
    for (const [axis, size] of shape.entries()) {
      if (typeof size === 'number') continue
      const key = size ?? `${name}.${axis}`
      if (!found.has(key)) found.set(key, { key, usual: usualSize(axis, shape.length) })
    }
  return [...found.values()]
}
