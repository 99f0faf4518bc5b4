/**
 * What each form writes of a module: which tensors, how they are called and shaped. Everywhere the scale is in the factors, so that each
 * loader's formula comes to 1: alpha is the rank, in F32, since BF16 has no odd numbers above 256; of GGUF 0.
 */

import type { AdapterForm } from '../styles.ts'
import { type ComputableDType, elementCount, type TensorOutline } from '../tensor.ts'
import type { Row } from './family.ts'
import { endsAfterDots } from './tensor-names.ts'

/** A module to be written: D = B A, B rows x rank, A rank x cols. */
export interface ModuleLayout {
  /** Prefix included. */
  readonly name: string
  /** Of D: [out, in, ...kernel], or of what `transposed` says. */
  readonly shape: readonly number[]
  readonly transposed?: Row['transposed'] | undefined
  readonly rank: number
  readonly dtype: ComputableDType
  /** So many matrices of this shape in one module: experts of GGUF. */
  readonly stacked?: number | undefined
}

export interface ModuleEntry extends TensorOutline {
  readonly of: 'alpha' | 'A' | 'B'
  /** Whether the factor is written transposed. */
  readonly turned: boolean
}

const endings = {
  kohya: { down: '.lora_down.weight', up: '.lora_up.weight' },
  comfy: { down: '.lora_down.weight', up: '.lora_up.weight' },
  diffusers: { down: '.lora_A.weight', up: '.lora_B.weight' },
  peft: { down: '.lora_A.weight', up: '.lora_B.weight' },
  gguf: { down: '.weight.lora_a', up: '.weight.lora_b' },
} as const satisfies Readonly<Record<AdapterForm, { readonly down: string; readonly up: string }>>

/** Wider elements first, so that each entry lies at a multiple of its element size. */
export function moduleEntries(
  form: AdapterForm,
  { name, shape, transposed, rank, dtype, stacked }: ModuleLayout,
): ModuleEntry[] {
  const [rows = 1, ...rest] = shape
  const cols = elementCount(rest)
  const { down, up } = endings[form]
  if (transposed === 'embedding' && form === 'gguf')
    // Rows of the first are looked up by token.
    return [
      { name: name + down, dtype, shape: [rows, rank], of: 'B', turned: false },
      { name: name + up, dtype, shape: [cols, rank], of: 'A', turned: true },
    ]
  if (transposed !== undefined) {
    const [first, second] = transposed === 'embedding' ? ['.lora_embedding_A', '.lora_embedding_B'] : [down, up]
    return [
      { name: name + first, dtype, shape: [rank, rows], of: 'B', turned: true },
      { name: name + second, dtype, shape: [cols, rank], of: 'A', turned: true },
    ]
  }
  const ones = rest.slice(1).map(() => 1)
  const stack = stacked === undefined ? [] : [stacked]
  const factors: ModuleEntry[] = [
    { name: name + down, dtype, shape: [...stack, rank, ...rest], of: 'A', turned: false },
    { name: name + up, dtype, shape: [...stack, rows, rank, ...ones], of: 'B', turned: false },
  ]
  if (form === 'peft' || form === 'gguf') return factors
  return [{ name: `${name}.alpha`, dtype: 'F32', shape: [], of: 'alpha', turned: false }, ...factors]
}

/** What belongs to a form beside its tensors. */
export interface WrittenModule {
  /** Without the prefix that all of the form have. */
  readonly path: string
  readonly rank: number
  readonly transposed?: Row['transposed'] | undefined
}

export const PEFT_PREFIX = 'base_model.model.'

/**
 * PEFT's configuration. Modules whose rank is not `r` are listed in rank_pattern and, since scaling is alpha / r, with the same number in
 * alpha_pattern. A key there is a regular expression for the end of a name: where another module ends as this one is called it is anchored.
 */
export function peftConfiguration(modules: readonly WrittenModule[]): Readonly<Record<string, unknown>> {
  const r = mostFrequent(modules.map(({ rank }) => rank))
  const paths = new Set(modules.map(({ path }) => path))
  const lengths = new Set(modules.map(({ path }) => path.length))
  const ends = new Set<string>()
  for (const { path } of modules) for (const end of endsAfterDots(path, lengths)) if (paths.has(end)) ends.add(end)
  const pattern = Object.fromEntries(
    modules.filter(({ rank }) => rank !== r).map(({ path, rank }) => [ends.has(path) ? `^${path}` : path, rank]),
  )
  return {
    peft_type: 'LORA',
    task_type: null,
    base_model_name_or_path: null,
    inference_mode: true,
    target_modules: modules.map(({ path }) => path),
    r,
    lora_alpha: r,
    rank_pattern: pattern,
    alpha_pattern: pattern,
    lora_dropout: 0,
    bias: 'none',
    fan_in_fan_out: modules.some(({ transposed }) => transposed === 'conv1d'),
  }
}

/** The header that diffusers reads PEFT's configuration from, one for each part before the first dot. */
export function diffusersHeader(modules: readonly WrittenModule[]): string {
  const parts = new Map<string, WrittenModule[]>()
  for (const module of modules) {
    const dot = module.path.indexOf('.')
    const part = module.path.slice(0, dot)
    const own = parts.get(part) ?? []
    own.push({ ...module, path: module.path.slice(dot + 1) })
    parts.set(part, own)
  }
  const entries = [...parts].flatMap(([part, own]) => {
    const { r, lora_alpha, rank_pattern, alpha_pattern, target_modules } = peftConfiguration(own)
    const configuration = { r, lora_alpha, rank_pattern, alpha_pattern, target_modules }
    return Object.entries(configuration).map(([key, value]) => [`${part}.${key}`, value])
  })
  return JSON.stringify(Object.fromEntries(entries))
}

/** Ties go to the larger rank; 1 for an empty adapter. */
function mostFrequent(values: readonly number[]): number {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  const [first] = [...counts].sort((a, b) => b[1] - a[1] || b[0] - a[0])
  return first ? first[0] : 1
}
