/**
 * What multiplies a module's product, by the rule of the loader of its form:
 *
 *   kohya, ComfyUI   its own alpha over its rank; absent: 1
 *   diffusers        the same; without alphas what the header declares, as PEFT
 *   PEFT             alpha_pattern or lora_alpha over the rank, over its root with use_rslora; a pattern is anchored at the end of the module's name
 *   llama.cpp        one alpha over each tensor's own rank; 0: 1
 */
import type { WeightFile } from '../formats/format.ts'
import { badFile } from '../formats/reading/refusal.ts'
import { quoted } from '../messages/text.ts'
import type { AdapterForm } from '../styles.ts'

export interface DeclaredScales {
  /** Whether more than the modules' own alphas was found. */
  readonly says: boolean
  scaleOf(module: string, rank: number, alpha: number | null): number
}

/** A configuration of an adapter is a kilobyte; with a pattern for each of ten thousand modules, one megabyte. */
const maxConfigurationBytes = 8_000_000
export const CONFIGURATION = 'adapter_config.json'
/** Where diffusers keeps the same in a header. */
export const HEADER = 'lora_adapter_metadata'

export async function declaredScales(file: WeightFile, form: AdapterForm): Promise<DeclaredScales> {
  if (form === 'gguf') {
    const text = file.metadata.get('adapter.lora.alpha')
    const alpha = text === undefined ? 0 : Number(text)
    if (!Number.isFinite(alpha)) throw badFile('adapter.lora.alpha', 'a number', quoted(text ?? ''))
    return { says: true, scaleOf: (_, rank) => (alpha === 0 ? 1 : alpha / rank) }
  }
  const own = { says: false, scaleOf: (_: string, rank: number, alpha: number | null) => (alpha ?? rank) / rank }
  const declared = form === 'peft' ? await besideOf(file) : form === 'diffusers' ? inHeader(file) : null
  if (!declared) return own
  const { alphaOf } = declared
  return {
    says: true,
    scaleOf: (module, rank, alpha) => {
      if (alpha !== null) return alpha / rank
      const found = alphaOf(module)
      return found === null ? 1 : found.alpha / (found.rooted ? Math.sqrt(rank) : rank)
    },
  }
}

interface Declared {
  alphaOf(module: string): { readonly alpha: number; readonly rooted: boolean } | null
}

async function besideOf(file: WeightFile): Promise<Declared | null> {
  const bytes = await file.beside?.(CONFIGURATION, maxConfigurationBytes)
  if (!bytes) return null
  return declaredIn(parsed(new TextDecoder().decode(bytes), CONFIGURATION), '')
}

/** One configuration a part, its keys after the part's name. */
function inHeader({ metadata }: WeightFile): Declared | null {
  const text = metadata.get(HEADER)
  if (text === undefined) return null
  const all = parsed(text, HEADER)
  const parts = [...new Set(Object.keys(all).flatMap((key) => /^(\w+)\./.exec(key)?.[1] ?? []))]
  const byPart = parts.map((part): readonly [string, Declared] => {
    const own = Object.entries(all).flatMap(([key, value]) =>
      key.startsWith(`${part}.`) ? [[key.slice(part.length + 1), value] as const] : [],
    )
    return [`${part}.`, declaredIn(Object.fromEntries(own), `${part}.`)]
  })
  return { alphaOf: (module) => byPart.find(([prefix]) => module.startsWith(prefix))?.[1].alphaOf(module) ?? null }
}

function declaredIn(configuration: Readonly<Record<string, unknown>>, prefix: string): Declared {
  const { lora_alpha: common, alpha_pattern: pattern = {}, use_rslora: rooted = false } = configuration
  const alpha = common === undefined || common === null ? null : numberOf(common, 'lora_alpha')
  if (typeof pattern !== 'object' || pattern === null) throw badFile('alpha_pattern', 'a table', 'something else')
  const patterns = Object.entries(pattern).map(([key, value]) => ({
    matches: anchored(key),
    alpha: numberOf(value, 'alpha_pattern'),
  }))
  return {
    alphaOf: (module) => {
      const name = module.slice(prefix.length).replace(/^base_model\.model\./, '')
      const found = patterns.find(({ matches }) => matches(name))?.alpha ?? alpha
      return found === null ? null : { alpha: found, rooted: rooted === true }
    },
  }
}

/**
 * PEFT's rule: a regular expression for the end of a module's name, from its beginning or after a dot. A file may not bring expressions of its own
 * here, some of which never end: names with escaped dots and anchors are understood.
 */
function anchored(key: string): (module: string) => boolean {
  const fromStart = key.startsWith('^')
  const plain = key
    .replace(/^\^/, '')
    .replace(/\$$/, '')
    .replace(/^(\(\.\*\\\.\)\?|\.\*\\\.)/, '')
    .replaceAll('\\.', '.')
  if (!/^[\w.-]+$/.test(plain)) throw badFile('alpha_pattern', 'names, their dots escaped', quoted(key))
  return (module) => module === plain || (!fromStart && module.endsWith(`.${plain}`))
}

function numberOf(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw badFile(what, 'a number', 'something else')
}

function parsed(text: string, what: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Said below.
  }
  throw badFile(what, 'a JSON object', 'something else')
}
