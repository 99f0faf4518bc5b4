/** The parameters as they stand on the page, those of core/params.ts and nothing else, and what is to be written. */
import { create } from 'zustand'
import { defaultParams, type Params, sketchKeyOf } from '../../core/params.ts'
import { defaultStyle, type OutputId } from '../../core/styles.ts'
import { type LastGoals, rememberGoal } from './goal.ts'

export interface ParamsState {
  readonly params: Params
  readonly lastGoals: LastGoals
  readonly output: OutputId
}

export const useParams = create<ParamsState>(() => ({ params: defaultParams, lastGoals: {}, output: defaultStyle }))

export const paramsReducers = {
  output(output: OutputId) {
    useParams.setState({ output })
  },
  /** As on the first day; what is written, and from which tensors, is no parameter. */
  reset() {
    useParams.setState({ params: defaultParams, lastGoals: {} })
  },
  set(changes: Partial<Params>) {
    useParams.setState(({ params: before, lastGoals }) => {
      const params = { ...before, ...changes }
      return { params, lastGoals: rememberGoal(lastGoals, params) }
    })
  },
}

/** sketchKeyOf for randomized beside exact: both methods run, whichever is chosen. */
export function comparisonKey(params: Params): string {
  return sketchKeyOf({ ...params, method: 'auto' })
}

/** The Speed row of the settings: each is a method and a number of power iterations. */
export const speedPresets = {
  auto: { method: 'auto', nIter: defaultParams.nIter },
  fast: { method: 'randomized', nIter: 1 },
  balanced: { method: 'randomized', nIter: 2 },
  precise: { method: 'randomized', nIter: 4 },
  exact: { method: 'exact', nIter: defaultParams.nIter },
} as const satisfies Record<string, Pick<Params, 'method' | 'nIter'>>
export type SpeedPreset = keyof typeof speedPresets

/** The preset these parameters are, or null where they are none of them. The exact SVD has no iterations to tell apart. */
export function presetOf(params: Params): SpeedPreset | null {
  for (const [name, preset] of Object.entries(speedPresets)) {
    if (params.method === preset.method && (params.method === 'exact' || params.nIter === preset.nIter))
      return name as SpeedPreset
  }
  return null
}
