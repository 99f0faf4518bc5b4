/**
 * What multiplies a module's product, by the rule of the loader of its form:
 *
 *   kohya, ComfyUI   its own alpha over its rank; absent: 1
 *   diffusers        the same; without alphas what the header declares, as PEFT
 *   PEFT             alpha_pattern or lora_alpha over the rank, over its root with use_rslora; a pattern is anchored at the end of the module's name
 *   llama.cpp        one alpha over each tensor's own rank; 0: 1
 */

import { isShallow } from '../depth.ts'
import type { WeightFile } from '../formats/format.ts'
import { badFile } from '../formats/reading/refusal.ts'
import { jsonObject } from '../json-object.ts'
import { quoted } from '../messages/text.ts'
import type { AdapterForm } from '../styles.ts'
import { endsAfterDots } from './tensor-names.ts'

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
  return declaredIn(parseObject(new TextDecoder().decode(bytes), CONFIGURATION), '')
}

/** One configuration a part, its keys after the part's name. */
function inHeader({ metadata }: WeightFile): Declared | null {
  const text = metadata.get(HEADER)
  if (text === undefined) return null
  const all = parseObject(text, HEADER)
  const keys = new Map<string, [key: string, value: unknown][]>()
  for (const [key, value] of Object.entries(all)) {
    const part = partOf(key)
    if (part === null) continue
    const own = keys.get(part) ?? []
    own.push([key.slice(part.length), value])
    keys.set(part, own)
  }
  const byPart = new Map([...keys].map(([part, own]) => [part, declaredIn(Object.fromEntries(own), part)]))
  return { alphaOf: (module) => byPart.get(partOf(module) ?? '')?.alphaOf(module) ?? null }
}

/** `unet.` of `unet.up.0`; null of a name without parts. */
function partOf(name: string): string | null {
  return /^\w+\./.exec(name)?.[0] ?? null
}

function declaredIn(configuration: Readonly<Record<string, unknown>>, prefix: string): Declared {
  const { lora_alpha: common, alpha_pattern: pattern = {}, use_rslora: rooted = false } = configuration
  const alpha = common === undefined || common === null ? null : numberOf(common, 'lora_alpha')
  if (typeof pattern !== 'object' || pattern === null) throw badFile('alpha_pattern', 'a table', 'something else')
  const patternOf = firstMatch(
    Object.entries(pattern).map(([key, value]) => ({ ...anchored(key), alpha: numberOf(value, 'alpha_pattern') })),
  )
  return {
    alphaOf: (module) => {
      const name = module.slice(prefix.length).replace(/^base_model\.model\./, '')
      const found = patternOf(name)?.alpha ?? alpha
      return found === null ? null : { alpha: found, rooted: rooted === true }
    },
  }
}

interface Anchored {
  readonly plain: string
  /** Whether it is a whole name; otherwise also what one ends in, after a dot. */
  readonly whole: boolean
}

/** The first of them that matches a name. There may be one for each of a hundred thousand modules: they are looked up. */
function firstMatch<T extends Anchored>(patterns: readonly T[]): (name: string) => T | undefined {
  const wholes = new Map<string, number>()
  const endings = new Map<string, number>()
  for (const [i, { plain, whole }] of patterns.entries()) {
    const known = whole ? wholes : endings
    if (!known.has(plain)) known.set(plain, i)
  }
  const lengths = new Set([...endings.keys()].map(({ length }) => length))
  return (name) => {
    const found = [wholes.get(name), endings.get(name)]
    for (const end of endsAfterDots(name, lengths)) found.push(endings.get(end))
    const [first] = found.filter((each) => each !== undefined).sort((a, b) => a - b)
    return first === undefined ? undefined : patterns[first]
  }
}

/**
 * PEFT's rule: a regular expression for the end of a module's name, from its beginning or after a dot. A file may not bring expressions of its own
 * here, some of which never end: names with escaped dots and anchors are understood.
 */
function anchored(key: string): Anchored {
  const whole = key.startsWith('^')
  const plain = key
    .replace(/^\^/, '')
    .replace(/\$$/, '')
    .replace(/^(\(\.\*\\\.\)\?|\.\*\\\.)/, '')
    .replaceAll('\\.', '.')
  if (!/^[\w.-]+$/.test(plain)) throw badFile('alpha_pattern', 'names, their dots escaped', quoted(key))
  return { plain, whole }
}

function numberOf(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw badFile(what, 'a number', 'something else')
}

/** @throws AppError `bad-file`, also for one that nests deeper than whatever writes it again can follow */
export function parseObject(text: string, what: string): Readonly<Record<string, unknown>> {
  const found = jsonObject(text)
  if (found && isShallow(found)) return found
  throw badFile(what, 'a JSON object', 'something else')
}
