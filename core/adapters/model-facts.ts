/** What GGUF adapters depend on beside the names of a model: its architecture, and its heads, from GGUF's own metadata or from `config.json`. */

import type { WeightFile } from '../formats/format.ts'
import { jsonObject } from '../json-object.ts'
import type { Heads } from './row-order.ts'

export interface ModelFacts {
  /** As llama.cpp calls it; null where the model does not say, or it is none of those known here. */
  readonly architecture: string | null
  readonly heads: Heads | null
  /** Whether llama.cpp interleaves the rows of q and k; null where the architecture is not known. */
  readonly interleaved: boolean | null
}

const maxConfigurationBytes = 8_000_000

const architectures: Readonly<Record<string, string>> = {
  LlamaForCausalLM: 'llama',
  MistralForCausalLM: 'llama',
  MixtralForCausalLM: 'llama',
  Qwen2ForCausalLM: 'qwen2',
  Qwen2MoeForCausalLM: 'qwen2moe',
  Qwen3ForCausalLM: 'qwen3',
  Qwen3MoeForCausalLM: 'qwen3moe',
  GemmaForCausalLM: 'gemma',
  Gemma2ForCausalLM: 'gemma2',
  Gemma3ForCausalLM: 'gemma3',
  PhiForCausalLM: 'phi2',
  Phi3ForCausalLM: 'phi3',
  DeepseekV2ForCausalLM: 'deepseek2',
  DeepseekV3ForCausalLM: 'deepseek2',
  GPT2LMHeadModel: 'gpt2',
  T5ForConditionalGeneration: 't5',
}

export async function modelFacts(file: WeightFile | undefined): Promise<ModelFacts> {
  const inGguf = file?.metadata.get('general.architecture')
  if (file && inGguf !== undefined) {
    const number = (key: string) => Number(file.metadata.get(`${inGguf}.attention.${key}`))
    return factsOf(inGguf, number('head_count'), number('head_count_kv'))
  }
  const bytes = await file?.beside?.('config.json', maxConfigurationBytes)
  const config = bytes ? jsonObject(new TextDecoder().decode(bytes)) : null
  const [name] = Array.isArray(config?.architectures) ? (config.architectures as unknown[]) : []
  const known = typeof name === 'string' && Object.hasOwn(architectures, name) ? architectures[name]! : null
  return factsOf(known, Number(config?.num_attention_heads), Number(config?.num_key_value_heads))
}

function factsOf(architecture: string | null, heads: number, kv: number): ModelFacts {
  const counts = (value: number) => Number.isInteger(value) && value > 0
  return {
    architecture,
    heads: counts(heads) ? { heads, kv: counts(kv) ? kv : heads } : null,
    interleaved: architecture === null ? null : architecture === 'llama',
  }
}
