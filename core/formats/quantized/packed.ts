/**
 * Weights that a quantizer has packed into integers, and the tensors it put beside them. The packed words are no weights one by one, and
 * what lies beside them (scales, zero points, codebooks) means nothing without them: a scale that is approximated is a wrong scale for
 * every value it stands for. So all of it is kept, and the file says that it is quantized.
 *
 * The table has what these tools write, by their own sources: AutoGPTQ and AutoAWQ (qweight), nunchaku, compressed-tensors, HQQ,
 * bitsandbytes, MLX, ModelOpt and TensorRT-LLM, optimum-quanto, torchao, ExLlama 2 and 3, AQLM, QuIP#, VPTQ, Marlin, gpt-oss (MXFP4),
 * ONNX Runtime.
 */

import { say } from '../../messages/english.ts'
import type { Message } from '../../messages/message.ts'
import { foreign, quoted } from '../../messages/text.ts'
import { isComputable, type TensorInfo } from '../../tensor.ts'
import type { WeightFile } from '../format.ts'

export interface Packing {
  readonly scheme: string
  /** How the name of the packed tensor ends; what stands before it is the stem. */
  readonly packed: string
  /** What follows the stem in the names of the tensors beside it. One of them has to be there. */
  readonly beside: readonly string[]
}

/** What is no scheme of its own: NVFP4, INT8, W4A8 ... of ModelOpt, TensorRT-LLM, compressed-tensors, BitNet. */
const anyIntegers = 'integers'

export const packings: readonly Packing[] = [
  { scheme: 'GPTQ, AWQ', packed: 'qweight', beside: ['scales', 'qzeros', 'g_idx', 'qscales', 'perm'] },
  {
    scheme: 'SVDQuant',
    packed: 'qweight',
    beside: [
      ...['wscales', 'wzeros', 'wcscales', 'wtscale', 'smooth', 'smooth_orig', 'smooth_factor', 'smooth_factor_orig'],
      ...['lora_down', 'lora_up', 'proj_down', 'proj_up'],
    ],
  },
  {
    scheme: 'compressed-tensors',
    packed: 'weight_packed',
    beside: [
      ...['weight_scale', 'weight_zero_point', 'weight_shape', 'weight_g_idx', 'weight_global_scale'],
      ...['input_scale', 'input_global_scale', 'meta'],
    ],
  },
  { scheme: '2:4 sparse', packed: 'bitmask', beside: ['compressed', 'shape', 'row_offsets'] },
  {
    scheme: 'HQQ',
    packed: 'W_q',
    beside: ['scale', 'zero', 'meta', 'scale_q', 'zero_q', 'scale_scale', 'scale_zero', 'zero_scale', 'zero_zero'],
  },
  {
    scheme: 'bitsandbytes',
    packed: 'weight',
    beside: [
      ...['weight.absmax', 'weight.quant_map', 'weight.nested_absmax', 'weight.nested_quant_map'],
      ...['weight.quant_state.bitsandbytes__nf4', 'weight.quant_state.bitsandbytes__fp4'],
      ...['SCB', 'SCBt', 'CB', 'CxB', 'weight_format'],
    ],
  },
  { scheme: 'MLX', packed: 'weight', beside: ['scales', 'biases'] },
  {
    scheme: anyIntegers,
    packed: 'weight',
    beside: [
      ...['weight_scale', 'weight_scale_2', 'weight_scale_inv', 'weight_zero_point', 'weight_global_scale'],
      ...['scale', 'scale_weight', 'zero_point', 'qscale_weight', 'per_channel_scale', 'comfy_quant'],
      ...['weights_scaling_factor', 'weights_scaling_factor_2', 'activation_scaling_factor', 'prequant_scaling_factor'],
      ...['pre_quant_scale', 'input_scale'],
    ],
  },
  { scheme: 'quanto', packed: '_data', beside: ['_scale', '_shift', '_zeropoint'] },
  {
    scheme: 'torchao',
    packed: '_weight_qdata',
    beside: ['_weight_scale', '_weight_zero_point', '_weight_scale_and_zero', '_weight_act_pre_scale'],
  },
  // The attributes of its tensor classes, in a pickle.
  { scheme: 'torchao', packed: 'int_data', beside: ['scale', 'zero_point'] },
  { scheme: 'torchao', packed: 'qdata', beside: ['scale', 'zero_point', 'scale_and_zero'] },
  { scheme: 'torchao', packed: 'packed_weight', beside: ['scale_and_zero'] },
  {
    scheme: 'NF4',
    packed: 'quantized_data',
    beside: ['quantized_scalers', 'quantization_factor', 'scaler_mean', 'nf4'],
  },
  {
    scheme: 'ExLlamaV2',
    packed: 'q_weight',
    beside: ['q_scale', 'q_scale_max', 'q_groups', 'q_invperm', 'q_perm', 'q_group_map'],
  },
  { scheme: 'ExLlamaV3', packed: 'trellis', beside: ['suh', 'svh', 'su', 'sv', 'mcg', 'mul1'] },
  { scheme: 'AQLM', packed: 'codes', beside: ['codebooks', 'scales'] },
  {
    scheme: 'QuIP#',
    packed: 'Qidxs',
    beside: ['SU', 'SV', 'Wscale', 'codebook_id', 'A', 'B', 'rescale_WH', 'scaleWH'],
  },
  {
    scheme: 'VPTQ',
    packed: 'indices',
    beside: [
      ...['centroids', 'centroids.weight', 'res_centroids', 'res_centroids.weight', 'outlier_centroids'],
      ...['outlier_centroids.weight', 'weight_scale', 'weight_bias', 'perm', 'invert_perm', 'res_indices'],
    ],
  },
  { scheme: 'Marlin', packed: 'B', beside: ['s', 'workspace', 'meta', 'B_meta', 'g_idx'] },
  { scheme: 'MXFP4', packed: '_blocks', beside: ['_scales', '_bias'] },
  { scheme: 'MXFP4', packed: '.blocks', beside: ['.scales'] },
  { scheme: anyIntegers, packed: '_quantized', beside: ['_scale', '_zero_point'] },
]

/** What no table knows, beside an integer `weight` of the same module. */
const SCALE_LIKE = /scale|scaling|zero_?point|absmax|amax|codebook|centroid/i

/** The same file with `unfit` on packed tensors and those that belong to them, and a notice which schemes it has. */
export function withPacked(file: WeightFile): WeightFile {
  if (file.tensors.every(({ dtype }) => isComputable(dtype))) return file
  const belongings = packedIn(file.tensors)
  if (belongings.size === 0) return file
  const schemes = [...new Set([...belongings.values()].map(({ scheme }) => scheme))]
  const tensors = file.tensors.map((tensor) => {
    const found = belongings.get(tensor.name)
    if (!found) return tensor
    const unfit =
      found.packed === tensor.name
        ? say('formats.packed-tensor', { scheme: schemeName(found.scheme) })
        : say('formats.beside-packed', { packed: quoted(found.packed), scheme: schemeName(found.scheme) })
    return { ...tensor, unfit }
  })
  const notice = say('formats.packed', { schemes: schemes.map(schemeName) })
  return { ...file, tensors, notices: [...file.notices, notice] }
}

function schemeName(scheme: string): Message {
  return scheme === anyIntegers ? say('formats.any-integers') : say('foreign', { text: foreign(scheme) })
}

interface Belonging {
  readonly scheme: string
  readonly packed: string
}

function packedIn(tensors: readonly TensorInfo[]): Map<string, Belonging> {
  const names = new Set(tensors.map(({ name }) => name))
  const found = new Map<string, Belonging>()
  const besides = new Map<string, string[]>()
  for (const { name } of tensors) {
    if (!SCALE_LIKE.test(lastPart(name))) continue
    const siblings = besides.get(moduleOf(name))
    if (siblings) siblings.push(name)
    else besides.set(moduleOf(name), [name])
  }
  for (const { name, dtype } of tensors) {
    if (isComputable(dtype) || dtype === 'BOOL') continue
    for (const { scheme, packed, beside } of packings) {
      if (!endsWith(name, packed)) continue
      const stem = name.slice(0, -packed.length)
      const there = beside.map((each) => stem + each).filter((each) => names.has(each))
      // Scales that no table knows.
      if (scheme === anyIntegers && packed === 'weight')
        for (const each of besides.get(moduleOf(name)) ?? []) there.push(each)
      const belongings = there.filter((each) => each !== name && !found.has(each))
      if (belongings.length === 0) continue
      if (!found.has(name)) found.set(name, { scheme, packed: name })
      for (const each of belongings) found.set(each, { scheme, packed: name })
    }
  }
  return found
}

/** A whole last part, or the end of one where the table begins with a separator. */
function endsWith(name: string, packed: string): boolean {
  if (!name.endsWith(packed)) return false
  return /^[._]/.test(packed) || name.length === packed.length || /[./]/.test(name.at(-packed.length - 1)!)
}

function lastPart(name: string): string {
  return name.slice(moduleOf(name).length)
}

/** With the separator behind it; '' at the top. */
function moduleOf(name: string): string {
  return name.slice(0, Math.max(name.lastIndexOf('.'), name.lastIndexOf('/')) + 1)
}
