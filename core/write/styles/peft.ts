/**
 * Output "peft": a folder that Hugging Face's PEFT loads as a LoRA adapter. `base_model.model.<module>.lora_A.weight` [r, in],
 * `.lora_B.weight` [out, r], scaling lora_alpha / r = 1 for every module.
 */
import type { FactorizedTensor } from '../../plan/plan.ts'
import { styles } from '../../styles.ts'
import { loraEntries, moduleOf, writeLora } from './lora.ts'
import type { OutputStyle } from './style.ts'

export const peft: OutputStyle = {
  ...styles.peft,
  format: 'pt',
  entries: (plan) => {
    const prefix = `base_model.model.${moduleOf(plan)}`
    return loraEntries(plan, `${prefix}.lora_A.weight`, `${prefix}.lora_B.weight`)
  },
  write: writeLora,
  configuration: (plans) => ({ name: 'adapter_config.json', json: adapterConfig(plans) }),
}

/** Modules whose rank is not `r` are listed in rank_pattern and, since scaling is alpha / r, with the same number in alpha_pattern. */
function adapterConfig(plans: readonly FactorizedTensor[]): unknown {
  const ranks = plans.map((plan): [string, number] => [moduleOf(plan), plan.params.rank])
  const r = mostFrequent(ranks.map(([, rank]) => rank))
  const pattern = Object.fromEntries(ranks.filter(([, rank]) => rank !== r))
  return {
    peft_type: 'LORA',
    task_type: null,
    base_model_name_or_path: null,
    inference_mode: true,
    target_modules: ranks.map(([module]) => module),
    r,
    lora_alpha: r,
    rank_pattern: pattern,
    alpha_pattern: pattern,
    lora_dropout: 0,
    bias: 'none',
    fan_in_fan_out: false,
  }
}

/** Ties go to the larger rank; 1 for an empty adapter. */
function mostFrequent(values: readonly number[]): number {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  const [first] = [...counts].sort((a, b) => b[1] - a[1] || b[0] - a[0])
  return first ? first[0] : 1
}
