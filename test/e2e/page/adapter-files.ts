/** Two models with a difference of low rank between them, and an adapter: the same numbers in every run. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { writeSafetensors } from './files.ts'

export type Matrices = Map<string, { shape: [number, number]; values: Float32Array }>

/** The same numbers for the same seed. */
function numbers(seed: number, count: number): Float32Array {
  let state = seed
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32 - 0.5
  })
}

const shapes: Readonly<Record<string, [number, number]>> = {
  'model.layers.0.self_attn.q_proj.weight': [96, 64],
  'model.layers.0.mlp.up_proj.weight': [160, 64],
  'model.layers.1.self_attn.q_proj.weight': [96, 64],
  'model.layers.1.mlp.up_proj.weight': [160, 64],
}

/** L R of this rank, with falling singular values. */
function product(seed: number, [rows, cols]: [number, number], rank: number, size: number): Float32Array {
  const [L, R] = [numbers(seed, rows * rank), numbers(seed + 1, rank * cols)]
  const out = new Float32Array(rows * cols)
  for (let i = 0; i < rows; i++)
    for (let k = 0; k < rank; k++)
      for (let j = 0; j < cols; j++) out[i * cols + j]! += (size * L[i * rank + k]! * R[k * cols + j]!) / (k + 1)
  return out
}

/** base/ and tuned/ in the folder, tuned with a difference of rank 6 in each matrix. */
export function twoModels(folder: string): { base: Matrices; tuned: Matrices } {
  const base: Matrices = new Map()
  const tuned: Matrices = new Map()
  for (const [i, [name, shape]] of Object.entries(shapes).entries()) {
    const values = numbers(i + 1, shape[0] * shape[1])
    const D = product(100 + 2 * i, shape, 6, 0.1)
    base.set(name, { shape, values })
    tuned.set(name, { shape, values: values.map((value, at) => value + D[at]!) })
  }
  for (const [name, model] of Object.entries({ base, tuned })) {
    mkdirSync(join(folder, name))
    writeSafetensors(join(folder, name, 'model.safetensors'), model)
  }
  return { base, tuned }
}

/** Two modules of kohya's at rank 16, with falling columns. */
export function writeAdapter(path: string): Matrices {
  const adapter: Matrices = new Map()
  for (const i of [0, 1]) {
    const name = `lora_unet_double_blocks_${i}_img_attn_proj`
    adapter.set(`${name}.lora_down.weight`, { shape: [16, 96], values: numbers(i + 7, 16 * 96) })
    adapter.set(`${name}.lora_up.weight`, {
      shape: [128, 16],
      values: numbers(i + 70, 128 * 16).map((value, at) => value / (1 + (at % 16))),
    })
  }
  writeSafetensors(path, adapter)
  return adapter
}
