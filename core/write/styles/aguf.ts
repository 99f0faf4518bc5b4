/**
 * Output "aguf": the prototype's file of factors. U [m, r] and V [n, r] in F32, or in INT8 with one scale each, S [r] in F32, and a sparse part of I32
 * pairs and F16 values. Nothing else has a place in it, and names are cut to 8 bytes: the configuration has them whole.
 */

import { sparseCount } from '../../curves/size.ts'
import { AppError } from '../../errors.ts'
import { decodeFloat32, encode } from '../../formats/dtype.ts'
import { say } from '../../messages/english.ts'
import { foreign } from '../../messages/text.ts'
import { type FactorizedTensor, isFactorized } from '../../plan/plan.ts'
import { styles } from '../../styles.ts'
import type { TensorOutline } from '../../tensor.ts'
import { type AgufName, agufNames, layerOf } from '../encodings/aguf-layout.ts'
import { NAMES } from '../metadata.ts'
import { writeMeasured } from './measured.ts'
import type { SparsePart } from './sparse-part.ts'
import { storeSingleScales } from './stored-factors.ts'
import type { OutputStyle } from './style.ts'

export const aguf: OutputStyle = {
  ...styles.aguf,
  format: 'ghostsvd-aguf',

  entries: (plan) => [...factorEntries(plan), ...sparseEntries(plan)],

  write: (plan, matrix, writeEntry, context) => {
    const stored = storeSingleScales(plan, matrix.factorization)
    const asWritten = (part: SparsePart) => inPairs(plan, part)
    return writeMeasured(plan, matrix, { stored, first: 0, sparseAt: 5, asWritten }, writeEntry, context)
  },

  group: ({ name }) => layerOf(name),

  metadata: (plans) => {
    const names = [...namesOf(plans)].map(([name, { shown }]) => [shown, name])
    return new Map([[NAMES, JSON.stringify(Object.fromEntries(names))]])
  },

  readAs: (plans) => {
    const names = namesOf(plans.filter(isFactorized))
    return (plan) => ({ name: names.get(plan.info.name)!.shown, dtype: 'F32', shape: [plan.view.rows, plan.view.cols] })
  },

  notices: (plans) => {
    const numbered = [...namesOf(plans)].filter(([, { short }]) => /~\d+$/.test(short))
    const [first] = numbered
    return first
      ? [
          say('output.names-numbered', {
            count: numbered.length,
            name: foreign(first[0]),
            short: foreign(first[1].short),
          }),
        ]
      : []
  },
}

function namesOf(plans: readonly FactorizedTensor[]): ReadonlyMap<string, AgufName> {
  return agufNames(plans.map(({ info }) => info.name))
}

function factorEntries({
  info,
  view: { rows, cols },
  params: { rank },
  factorDType,
}: FactorizedTensor): TensorOutline[] {
  const dtype = factorDType === 'INT8' ? 'I8' : 'F32'
  return [
    { name: `${info.name}.U`, dtype, shape: [rows, rank] },
    { name: `${info.name}.U_scale`, dtype: 'F32', shape: [1] },
    { name: `${info.name}.S`, dtype: 'F32', shape: [rank] },
    { name: `${info.name}.V`, dtype, shape: [cols, rank] },
    { name: `${info.name}.V_scale`, dtype: 'F32', shape: [1] },
  ]
}

function sparseEntries({ info, view: { rows, cols }, params }: FactorizedTensor): TensorOutline[] {
  const count = sparseCount(params.sparseDensity, rows, cols)
  if (count === 0) return []
  return [
    { name: `${info.name}.sparse_index`, dtype: 'I32', shape: [count, 2] },
    { name: `${info.name}.sparse_value`, dtype: 'F16', shape: [count] },
  ]
}

/** Rows and columns for flat places, and values in F16. @throws AppError `overflow` for values beyond it */
function inPairs({ info, view }: FactorizedTensor, { index, value, offset }: SparsePart) {
  const flat = new BigInt64Array(index.buffer, index.byteOffset, index.byteLength / 8)
  const pairs = new Int32Array(2 * flat.length)
  for (const [i, at] of flat.entries()) {
    pairs[2 * i] = Math.floor(Number(at) / view.cols)
    pairs[2 * i + 1] = Number(at) % view.cols
  }
  const half = encode('F16', decodeFloat32('F32', value))
  if (half.overflows > 0)
    throw new AppError('overflow', say('overflow.sparse', { name: foreign(info.name), dtype: 'F16' }))
  const read = decodeFloat32('F16', half.bytes)
  return {
    index,
    value: new Uint8Array(read.buffer as ArrayBuffer, read.byteOffset, read.byteLength),
    offset,
    pieces: [new Uint8Array(pairs.buffer), half.bytes],
  }
}
