/**
 * Output "transformers": a folder that `from_pretrained` opens after `import ghostsvd_loader`. Factors stand as modules of their own, `<module>.A.weight`
 * [r, n] and `<module>.B.weight` [m, r] of a weight W = B A [m, n]; config.json is the source's with the method and the ranks, and beside it lies
 * the loader (transformers-loader.ts), which puts a module of two factors in the place of each that config.json names.
 */

import { AppError } from '../../errors.ts'
import type { WeightFile } from '../../formats/format.ts'
import { jsonObject } from '../../json-object.ts'
import { say } from '../../messages/english.ts'
import type { FactorizedTensor } from '../../plan/plan.ts'
import { moduleOf, styles } from '../../styles.ts'
import type { TensorOutline } from '../../tensor.ts'
import { loaderName, loaderText } from '../transformers-loader.ts'
import { writeMeasured } from './measured.ts'
import type { SparsePart } from './sparse-part.ts'
import { storeFactors } from './stored-factors.ts'
import type { OutputStyle } from './style.ts'

const configurationName = 'config.json'
/** Honest ones have a few KB; those of many labels 2 MB. */
const maxConfigurationBytes = 8_000_000

export const transformers: OutputStyle = {
  ...styles.transformers,
  // What transformers wants to read of a file of its own.
  format: 'pt',

  entries,

  write: (plan, matrix, writeEntry, context) => {
    const stored = storeFactors(plan, matrix.factorization, context.kernels)
    const places = { stored, first: 0, sparseAt: stored.pieces.length, asWritten: (part: SparsePart) => part }
    return writeMeasured(plan, matrix, places, writeEntry, context)
  },

  for: async (file) => {
    const configuration = await configurationOf(file)
    return {
      ...transformers,
      beside: (plans) => [
        { name: loaderName, text: loaderText },
        { name: configurationName, text: withRanks(configuration, plans) },
      ],
    }
  },
}

function entries({ info, view, params: { rank }, factorDType }: FactorizedTensor): TensorOutline[] {
  const module = moduleOf(info.name)
  if (module === null || factorDType === 'INT8') throw new Error(`${info.name}: refused by the plan`)
  return [
    { name: `${module}.A.weight`, dtype: factorDType, shape: [rank, view.cols] },
    { name: `${module}.B.weight`, dtype: factorDType, shape: [view.rows, rank] },
  ]
}

/** Its text, which holds a JSON object. @throws AppError `bad-request` where there is none, or one of a model that is quantized already */
async function configurationOf(file: Pick<WeightFile, 'beside'>): Promise<string> {
  const bytes = await file.beside?.(configurationName, maxConfigurationBytes)
  const text = bytes ? new TextDecoder().decode(bytes) : ''
  const found = jsonObject(text)
  if (!found) throw new AppError('bad-request', say('request.no-configuration'))
  if ('quantization_config' in found || 'compression_config' in found)
    throw new AppError('bad-request', say('request.already-quantized'))
  return text
}

/** The source's text with one more member: written again from what was parsed, 0.0 would be 0, which transformers refuses where it wants a float. */
function withRanks(configuration: string, plans: readonly FactorizedTensor[]): string {
  const ranks = Object.fromEntries(plans.map(({ info, params }) => [moduleOf(info.name)!, params.rank]))
  const members = configuration.slice(configuration.indexOf('{') + 1)
  const added = JSON.stringify({ quantization_config: { quant_method: 'ghostsvd', ranks } }, null, 2)
  const isOnly = members.trimStart().startsWith('}')
  return `${added.slice(0, -'\n}'.length)}${isOnly ? '\n' : ','}${members}`
}
