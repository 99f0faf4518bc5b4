/** What is chosen, fitted to the file that is opened: its output, and a rank to begin at. */
import type { FileReport } from '../../../core/contract.ts'
import { defaultParams } from '../../../core/params.ts'
import { defaultStyle, styleIds, styles } from '../../../core/styles.ts'
import { hasGraph } from '../../../core/weight-formats.ts'
import { adapterReducers, firstConvRank } from '../../choices/adapter.ts'
import { useFile } from '../../choices/file.ts'
import { noGoal } from '../../choices/goal.ts'
import { paramsReducers, useParams } from '../../choices/params.ts'
import { firstRank } from '../figures/first-rank.ts'

/** Differences become adapters in their own dtype, models what they did before, where they can. */
export function fitOutput({ difference, format, cannotBecome }: FileReport): void {
  const { output, params } = useParams.getState()
  const style = styleIds.find((id) => id === output)
  const before = useFile.getState().report?.difference
  adapterReducers.reset()
  if (difference?.convolutions) adapterReducers.set({ convRank: firstConvRank })
  if (difference) {
    const { form, dtype } = difference
    paramsReducers.output(form)
    const own = before || (params.factorDType !== 'keep' && params.factorDType !== 'INT8') ? {} : { factorDType: dtype }
    paramsReducers.set({ ...own, factorLayout: 'ab', sparseDensity: 0 })
  } else if (style) {
    const refused = cannotBecome?.some(({ output }) => output === style)
    if (refused || (styles[style].isGraph && !hasGraph(format))) paramsReducers.output(defaultStyle)
  } else {
    const { factorDType, factorLayout, sparseDensity } = defaultParams
    paramsReducers.output(defaultStyle)
    paramsReducers.set({ factorDType, factorLayout, sparseDensity })
  }
}

/**
 * A model of small matrices starts where there is something to do, unless a rank was chosen. The goal of the file before stays with it: for this one
 * nobody asked, and it would begin an analysis. One click brings it back.
 */
export function fitRank({ tensors }: FileReport, another: boolean): void {
  if (another) paramsReducers.set(noGoal)
  const { params } = useParams.getState()
  if (params.rank === defaultParams.rank) paramsReducers.set({ rank: firstRank(tensors, params) })
}

/** A rank that was fitted to a file was not chosen: it goes with that file. */
export function unfitRank({ tensors }: FileReport): void {
  const { params } = useParams.getState()
  const { rank } = defaultParams
  if (params.rank === firstRank(tensors, { ...params, rank })) paramsReducers.set({ rank })
}
