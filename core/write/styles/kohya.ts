/**
 * Output "kohya": one file in the convention of kohya's sd-scripts. `lora_unet_<path with _>.lora_down.weight` [r, in(, kh, kw)],
 * `.lora_up.weight` [out, r(, 1, 1)] and `.alpha` = r, so that the scaling alpha / r is 1.
 */

import { encode } from '../../formats/dtype.ts'
import { styles } from '../../styles.ts'
import { loraDType, loraEntries, moduleOf, writeLora } from './lora.ts'
import type { OutputStyle } from './style.ts'

export const kohya: OutputStyle = {
  ...styles.kohya,
  format: 'pt',
  entries: (plan) => {
    const prefix = `lora_unet_${moduleOf(plan).replaceAll('.', '_')}`
    return [
      ...loraEntries(plan, `${prefix}.lora_down.weight`, `${prefix}.lora_up.weight`),
      { name: `${prefix}.alpha`, dtype: loraDType(plan), shape: [] },
    ]
  },
  write: async (plan, matrix, writeEntry, context) => {
    const error = await writeLora(plan, matrix, writeEntry, context)
    await writeEntry(2, encode(loraDType(plan), Float64Array.of(plan.params.rank)).bytes)
    return error
  },
  // Loaders read the network's dimension from here; modules of other ranks carry their own in their shapes and alpha.
  metadata: (plans) => {
    const largest = String(Math.max(0, ...plans.map(({ params }) => params.rank)))
    return new Map([
      ['ss_network_module', 'networks.lora'],
      ['ss_network_dim', largest],
      ['ss_network_alpha', largest],
    ])
  },
}
