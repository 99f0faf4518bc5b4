/**
 * The outputs of a difference: each module's factors under the names and in the shapes of one form of adapter, its scale in them. Unlike the other
 * writers it is made for a run: which module a tensor is, the two models say.
 */

import type { Row } from '../../adapters/family.ts'
import { type ModuleLayout, moduleEntries } from '../../adapters/forms.ts'
import type { FactorizedTensor } from '../../plan/plan.ts'
import { type AdapterForm, adapterStyles } from '../../styles.ts'
import { adapterConfiguration, adapterMetadata, moduleBytes, paddedFactors } from '../adapter-file.ts'
import { factors } from './factors.ts'
import type { OutputStyle } from './style.ts'

export interface AdapterNames {
  /** The module of each tensor that has one. */
  readonly modules: ReadonlyMap<string, { readonly name: string; readonly transposed?: Row['transposed'] | undefined }>
  /** What a whole difference is called, for tensors that are no matrices. */
  readonly whole: ReadonlyMap<string, string>
  /** Modules that are replaced whole, as PEFT's configuration names them. */
  readonly saved: readonly string[]
  /** As llama.cpp calls it; GGUF names it. */
  readonly architecture: string | null
  /** The rank that all have, padded with zeros; null: each its own. */
  readonly oneRank: number | null
  readonly takesConvolutions: boolean
}

export function adapterStyle(form: AdapterForm, names: AdapterNames): OutputStyle {
  const { modules, whole, saved, architecture, oneRank, takesConvolutions } = names
  const layoutOf = ({ info, view, params, factorDType }: FactorizedTensor): ModuleLayout => {
    const module = modules.get(info.name)
    if (!module || factorDType === 'INT8') throw new Error(`${info.name}: refused by the plan`)
    const rank = Math.max(oneRank ?? 0, params.rank)
    const isStack = view.kind === 'experts'
    const shape = isStack ? [view.rows, view.cols] : info.shape
    const stacked = isStack ? view.count : undefined
    return { ...module, shape, stacked, transposed: module.transposed, rank, dtype: factorDType }
  }
  const written = (plans: readonly FactorizedTensor[]) =>
    plans.map((plan) => {
      const { name, rank, transposed } = layoutOf(plan)
      return { path: name, rank, transposed }
    })
  const configuration = (plans: readonly FactorizedTensor[]) => adapterConfiguration(form, written(plans), null, saved)!
  return {
    ...adapterStyles[form],
    takesConvolutions,
    format: null,
    entries: (plan) => moduleEntries(form, layoutOf(plan)).map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    kept: ({ info }) => {
      const name = whole.get(info.name)
      return name === undefined ? null : { name, dtype: info.dtype, shape: info.shape }
    },
    write: async (plan, matrix, writeEntry, context) => {
      const layout = layoutOf(plan)
      const pieces: { A?: Uint8Array; B?: Uint8Array } = {}
      // A, then B, as the output "factors" writes and measures them.
      const ab = { ...plan, params: { ...plan.params, factorLayout: 'ab', sparseDensity: 0 } } as const
      const keep = async (i: number, bytes: Uint8Array) => {
        pieces[i === 0 ? 'A' : 'B'] = bytes
      }
      const error = await factors.write(ab, matrix, keep, context)
      const padded = paddedFactors(layout, plan.params.rank, { A: pieces.A!, B: pieces.B! })
      const bytes = moduleBytes(moduleEntries(form, layout), layout, padded)
      for (const [i, each] of bytes.entries()) await writeEntry(i, each)
      return error
    },
    metadata: (plans) => adapterMetadata(form, written(plans), architecture),
    ...(form === 'peft' && { configuration }),
  }
}
