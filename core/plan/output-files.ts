/** Which files an output becomes, and what stands beside the weights: a shard index, an adapter's configuration. */
import type { TensorSet } from '../tensor.ts'
import type { StyleLayout } from './entries.ts'
import { isFactorized, type TensorPlan } from './plan.ts'

interface OutputFile {
  readonly name: string
  /** In the order of the file. */
  readonly plans: readonly TensorPlan[]
}

export interface OutputLayout {
  /** Whether the files lie in a folder of the target's name. */
  readonly inFolder: boolean
  readonly files: readonly OutputFile[]
}

/** Of a PEFT folder. */
export const ADAPTER_WEIGHTS = 'adapter_model.safetensors'
const WHOLE_WEIGHTS = 'model.safetensors'
const SHARD_INDEX = 'model.safetensors.index.json'
/** Of a graph whose values do not fit into its own file. */
export const GRAPH = 'model.onnx'
export const GRAPH_VALUES = 'model.onnx.data'

/** What protobuf's readers take of one message. */
export const mostGraphBytes = 2 ** 31 - 1

/** Whether the values of a graph lie beside it: those of a source that is larger than one message, whatever becomes of them, so that it is known from the start. */
export function hasValuesBeside({ totalBytes }: Pick<TensorSet, 'totalBytes'>): boolean {
  return totalBytes > mostGraphBytes
}

/** Whether the output is one file of the target's name, not as many as the source has. */
export function isOneFile(
  { container, isGraph }: Pick<StyleLayout, 'container' | 'isGraph'>,
  file: Pick<TensorSet, 'shards' | 'totalBytes'>,
): boolean {
  if (isGraph && hasValuesBeside(file)) return false
  const { shards } = file
  return container === 'file' || (container === 'like-source' && shards.length < 2)
}

export function layOut(
  file: TensorSet,
  plans: readonly TensorPlan[],
  style: StyleLayout,
  target: string,
): OutputLayout {
  if (style.container === 'adapter') return { inFolder: true, files: [{ name: ADAPTER_WEIGHTS, plans }] }
  if (style.container === 'model' && file.shards.length < 2)
    return { inFolder: true, files: [{ name: WHOLE_WEIGHTS, plans }] }
  if (style.isGraph && hasValuesBeside(file)) return { inFolder: true, files: [{ name: GRAPH_VALUES, plans }] }
  if (isOneFile(style, file)) return { inFolder: false, files: [{ name: target, plans }] }
  const byName = new Map(plans.map((plan) => [plan.info.name, plan]))
  const names = distinctNames(file.shards.map(({ fileName }) => safetensorsName(fileName)))
  const files = file.shards.map(({ tensorNames }, i) => ({
    name: names[i]!,
    plans: tensorNames.flatMap((name) => byName.get(name) ?? []),
  }))
  return { inFolder: true, files }
}

/** `model-00001-of-00002.safetensors` for `pytorch_model-00001-of-00002.bin`. */
function safetensorsName(fileName: string): string {
  return `${fileName.replace(/\.[^.]*$/, '').replace(/^pytorch_model/, 'model')}.safetensors`
}

/** `a.safetensors` and `a-2.safetensors` of `a.bin` and `a.pt`: the second would take the place of the first, also where case makes no difference. */
function distinctNames(names: readonly string[]): string[] {
  const taken = new Set(names.map((name) => name.toLowerCase()))
  const given = new Set<string>()
  return names.map((wanted) => {
    let name = wanted
    const isFree = () => !given.has(name.toLowerCase()) && (name === wanted || !taken.has(name.toLowerCase()))
    for (let i = 2; !isFree(); i++) name = wanted.replace(/\.safetensors$/, `-${i}.safetensors`)
    given.add(name.toLowerCase())
    return name
  })
}

/** What `companions` will be called; known without what the run has yet to find out. */
export function companionNames({ inFolder, files }: OutputLayout, { configuration, beside }: StyleLayout): string[] {
  return [
    ...(inFolder && files.length > 1 ? [SHARD_INDEX] : []),
    ...(configuration ? [configuration([]).name] : []),
    ...(beside?.([]).map(({ name }) => name) ?? []),
  ]
}

/** Files beside the weights, smallest last so that a folder with all of them is a finished one. */
export function companions(
  { inFolder, files }: OutputLayout,
  style: StyleLayout,
  writtenNames: readonly (readonly string[])[],
  dataBytes: number,
): { readonly name: string; readonly bytes: Uint8Array }[] {
  const found: { name: string; json: unknown }[] = []
  if (inFolder && files.length > 1) {
    const weightMap = Object.fromEntries(
      files.flatMap(({ name }, i) => writtenNames[i]!.map((tensor) => [tensor, name])),
    )
    found.push({ name: SHARD_INDEX, json: { metadata: { total_size: dataBytes }, weight_map: weightMap } })
  }
  const factorized = files.flatMap(({ plans }) => plans.filter(isFactorized))
  const configuration = style.configuration?.(factorized)
  if (configuration) found.push(configuration)
  const texts = found.map(({ name, json }) => ({ name, text: `${JSON.stringify(json, null, 2)}\n` }))
  const all = [...texts, ...(style.beside?.(factorized) ?? [])]
  return all.map(({ name, text }) => ({ name, bytes: new TextEncoder().encode(text) }))
}
