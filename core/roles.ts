/**
 * What a tensor's name says it is. Names come from PyTorch (`model.embed_tokens.weight`), JAX (`params/token_embedder/embedding`) and
 * TensorFlow (`bert/embeddings/word_embeddings:0`), so a name is taken apart at `.`, `/` and `:`, and each part is judged whole or by
 * the words between its underscores. A name is a habit, not a proof: including a tensor by name overrules it.
 *
 * test/core/roles.test.ts is the table of names that this file answers to.
 */

export type Role =
  /** A table of rows that are looked up one at a time. */
  | 'embedding'
  /** The last matrix of a model of language. */
  | 'head'
  /** Decides which experts run. */
  | 'router'
  /** Moments and averages that a trainer keeps beside each weight, gradients. */
  | 'optimizer'
  /** Which weights are pruned, which positions see each other. */
  | 'mask'
  /** Computed from positions when a model is made: angles, their sines. */
  | 'positions'
  /** A part of an adapter (LoRA, LoHa, LoKr, OFT ...), or of a matrix that is factorized already. */
  | 'factor'

/** Parts that say nothing: the parameter of a module, and TensorFlow's `:0` and object paths. */
const LEAF = /^(weight|kernel|data|w|variable_value|attributes)$/i
/** What JAX and checkpoints wrap around a whole model. */
const WRAPPER = /^(params|param|target|variables|state_dict|model_state_dict|ema|ema_params)$/i

/** A name taken apart. */
function partsOf(name: string): string[] {
  return name
    .replace(/:\d+$/, '')
    .split(/[./:]+/)
    .filter((part) => part !== '')
}

const OPTIMIZER_PART =
  /^(optimizers?|optimizer_states?|optimizer_state_dict|optimizer_weights|opt_state|optim|optim_states?|last_optimizer_state|param_states|optimizer_slot|gradients?|grads?)$/i
const OPTIMIZER_LEAF =
  /^(exp_avg|exp_avg_sq|exp_avg_diff|max_exp_avg_sq|exp_inf|exp_avg_(row|col)|exp_avg_sq_(row|col)|momentum_buffer|square_avg|grad_avg|acc_delta|adam(_\d+)?|adam_[mv]|adamw?optimizer(_\d+)?|momentum(_\d+)?|rmsprop(_\d+)?|adagrad(_\d+)?|ftrl(_\d+)?|lamb_[mv]|.*_moment[12]_\d+|.*_pow_acc(_\d+)?|preconditioner|hessian|fp32_from_fp16_groups|single_partition_of_fp32_groups)$/i
const MASK = /(^|_)masks?$/i
const POSITIONS =
  /^(inv_freq|(cos|sin)_cached|(cos|sin)_cache|cos_sin_cache|freqs?_(cos|sin|cis)|freqs|rope_(cos|sin)|relative_position_index|relative_coords_table|position_ids|original_inv_freq)$/i
const FACTOR =
  /^(lowrank_[ab](_scale)?|sparse_(index|value)|lora_(down|up|mid|a|b|c|e|embedding_[ab]|magnitude_vector)|dora_scale|hada_[wt]\d(_[ab])?|lokr_[wt]\d(_[ab])?|oft_(diag|blocks|r)|boft_[rs]|ia3_l|vera_(a|b|lambda_[bd]))$/i
const EMBEDDING = /(^|_)(wte|wpe|emb|embd|embed|embeds|embedding|embeddings|lookup_table)(_|$)/i
const HEAD = /^(lm_head|embed_out|unembed|unembedding|output_projection|mlm_head|generator_lm_head|lm_loss)$/i
/** Heads only outside the layers of a model, where the same names stand for other things. */
const HEAD_OUTSIDE_LAYERS = /^(output_layer|ff_out|proj_out|logits|logits_dense|decoder_logits|pred_layer)$/i
const HEAD_ON_TOP = /^(output|head)$/i
/** The matrix of a head that is a module of several. */
const HEAD_INSIDE = /^(decoder|linear|proj|out|output_weights|output_bias)$/i
const HEAD_MODULE = /^(predictions|lm_head|mlm_head|generator_lm_head|lm_predictions)$/i
const ROUTER = /(^|_)router(_|$)/i
const ROUTER_OWNER =
  /^(gate|gate_inp|gate_inp_shexp|ffn_gate_inp|ffn_gate_inp_shexp|shared_expert_gate|shared_expert_gating|wg|gating_network|moe_gate|expert_gate|gating)$/i
/** The matrix of a router that is a module of its own. */
const ROUTER_INSIDE = /^(layer|classifier|dense|linear|proj|fc|w|weight|router_weights|\d+)$/i
/** A layer among others: `layers.3`, `blocks/3`, `layers_3`, `encoderblock_3`. */
const LAYER = /^(\d+|.*(layers?|blocks?|encoder|decoder|h|stage)_?\d+)$/i

/**
 * What was found for names but for the numbers of their layers and experts: of ten thousand tensors there are a few dozen. A whole part that is
 * a number says nothing of a role, and of axes no more than whether it is 0 (Keras' `vars/0`).
 */
function byPattern<Found>(): (pattern: string, find: () => Found) => Found {
  const known = new Map<string, Found>()
  return (pattern, find) => {
    let found = known.get(pattern)
    if (found === undefined) {
      found = find()
      // Names that have nothing in common would fill a memory.
      if (known.size >= mostPatterns) known.clear()
      known.set(pattern, found)
    }
    return found
  }
}

const mostPatterns = 4096
const NUMBER = /(?<=[./])\d+(?=[./])/g
const patternOf = (name: string) => name.replace(NUMBER, (number) => (number === '0' ? '0' : '1'))
const roles = byPattern<Role | null>()
const axes = byPattern<Axes>()

/**
 * What the name says, null where it says nothing. `head`, `router` and `embedding` are judged by the module that owns the tensor, the
 * others by any part, since a trainer's state repeats the names of the weights.
 */
export function roleOf(name: string): Role | null {
  const pattern = patternOf(name)
  return roles(pattern, () => roleIn(pattern))
}

function roleIn(name: string): Role | null {
  const parts = partsOf(name)
  const last = parts.at(-1) ?? ''
  if (parts.some((part) => OPTIMIZER_PART.test(part)) || OPTIMIZER_LEAF.test(last)) return 'optimizer'
  if (MASK.test(last)) return 'mask'
  if (POSITIONS.test(last)) return 'positions'
  const path = withoutLeaves(parts)
  if (isFactor(parts, path)) return 'factor'
  if (isHead(parts, path)) return 'head'
  const owner = path.at(-1) ?? ''
  if (EMBEDDING.test(owner) || owner === 'shared') return 'embedding'
  return isRouter(path) ? 'router' : null
}

/** Without what says nothing at the end: `embed_tokens` is the last part of `model.embed_tokens.weight`. */
function withoutLeaves(parts: readonly string[]): string[] {
  let end = parts.length
  while (end > 1 && LEAF.test(parts[end - 1]!)) end--
  return parts.slice(0, end)
}

function isFactor(parts: readonly string[], path: readonly string[]): boolean {
  const [parent = '', last = ''] = parts.slice(-2)
  if (parts.length > 1 && /^(U|S|Vt)$/.test(last) && LEAF.test(parent)) return true
  // `lora_A.weight`, `lora_A.default.weight`, `lora.down.weight`, `to_q_lora.up.weight`, `lora_linear_layer.down.weight`.
  const [above = '', owner = ''] = path.length > 1 ? path.slice(-2) : ['', path[0]]
  return FACTOR.test(owner) || FACTOR.test(above) || (/^(up|down|mid)$/.test(owner) && /(^|_)lora(_|$)/i.test(above))
}

function isHead(parts: readonly string[], path: readonly string[]): boolean {
  const owner = path.at(-1) ?? ''
  if (HEAD.test(owner)) return true
  if (HEAD_INSIDE.test(owner) && HEAD_MODULE.test(path.at(-2) ?? '')) return true
  if (HEAD_OUTSIDE_LAYERS.test(owner) && !path.some((part) => LAYER.test(part))) return true
  if (!HEAD_ON_TOP.test(owner)) return false
  const depth = path.filter((part) => !WRAPPER.test(part)).length
  // `output.weight`, `params/head/kernel`, and the two towers of `img/head/kernel` and `txt/head/kernel`.
  return parts.length <= 2 || depth === 1 || (depth === 2 && parts.at(-1) === 'kernel')
}

function isRouter(path: readonly string[]): boolean {
  const owner = path.at(-1) ?? ''
  if (ROUTER.test(owner) || ROUTER_OWNER.test(owner)) return true
  const above = path.slice(0, -1).findLastIndex((part) => ROUTER.test(part))
  return above >= 0 && path.slice(above + 1).every((part) => ROUTER_INSIDE.test(part))
}

/** Words of a part of the path that leads to experts: `experts`, `ffn_up_exps`, `MoeBlock_0`. */
const EXPERTS = new Set(['expert', 'experts', 'exps', 'chexps', 'moe', 'moeblock'])
const EXPERT_PARTS = new Set(['switch_mlp'])
const CONVOLUTION =
  /conv|cnn|(^|_)(ups|upsample|downsample|upsampler|downsampler|resblocks?|depthwise|pointwise|dilated|stem|patch_embed|patch_embedding)(_|$|\d)/i
/** JAX keeps the heads of an attention apart: [d, heads, d / heads]. */
const HEADS = /^(query|key|value|q|k|v|qkv)$/i
/** Taps of a one-dimensional convolution that needs no name: 1, 2, 3, 4, 5, 7 ... 15. */
const isTapCount = (size: number) => size === 2 || size === 4 || (size % 2 === 1 && size <= 15)
/** Learned filter banks have 400. */
const MOST_TAPS = 512

/** Along one axis of a convolution that has them first; its outputs are more. */
const MOST_TAPS_FIRST = 31

/**
 * What the axes of a tensor of three or more are. `experts`: one matrix for each of the first; `matrix`: the first by all others, as for a
 * convolution [o, i, ...taps] and for the heads of an attention; `taps first`: all others by the last, as for a convolution
 * [...taps, i, o] of JAX and TensorFlow; `unknown`: the name does not tell.
 */
type Axes = 'experts' | 'matrix' | 'taps first' | 'unknown'

export function axesOf(name: string, shape: readonly number[]): Axes {
  const pattern = patternOf(name)
  return axes(`${pattern}\n${shape}`, () => axesIn(pattern, shape))
}

function axesIn(name: string, shape: readonly number[]): Axes {
  if (isExpertPath(name)) return shape.length === 3 ? 'experts' : 'unknown'
  if (hasTapsFirst(name, shape)) return 'taps first'
  if (shape.length !== 3) return 'matrix'
  const parts = partsOf(name)
  const last = shape.at(-1)!
  if (parts.some((part) => CONVOLUTION.test(part))) return last <= MOST_TAPS ? 'matrix' : 'unknown'
  if (parts.at(-1) === 'kernel' && HEADS.test(parts.at(-2) ?? '')) return 'matrix'
  return isTapCount(last) ? 'matrix' : 'unknown'
}

/** By what JAX and TensorFlow call such a parameter: `Conv_0/kernel`, `conv1/weights`, Keras' `conv2d/vars/0` and object paths. */
function hasTapsFirst(name: string, shape: readonly number[]): boolean {
  const parts = partsOf(name).filter((part) => !/^(variable_value|attributes)$/i.test(part))
  const [owner = '', last = ''] = parts.slice(-2)
  const isKernel = last === 'kernel' || (last === 'weights' && name.includes('/')) || (last === '0' && owner === 'vars')
  if (!isKernel || HEADS.test(owner)) return false
  if (shape.length === 3 && !parts.some((part) => CONVOLUTION.test(part))) return false
  return shape.slice(0, -2).every((size) => size <= MOST_TAPS_FIRST) && shape.at(-1)! > MOST_TAPS_FIRST
}

/** Whether the path leads to experts: `mlp.experts.w1`, `blk.0.ffn_up_exps`, `switch_mlp.gate_proj`, `MoeBlock_0/wi_0`. */
export function isExpertPath(name: string): boolean {
  return partsOf(name).some((part) => {
    const lower = part.toLowerCase()
    return EXPERT_PARTS.has(lower) || lower.split('_').some((word) => EXPERTS.has(word))
  })
}

/** A factor that a compression of ours has written (core/write/styles/factors.ts). */
export function isOwnFactor(name: string): boolean {
  return /\.lowrank_[AB]$/.test(name)
}
