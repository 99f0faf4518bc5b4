/**
 * The formats of weight files and the endings that belong to each: the one table that readers, dialogs, listings and drops go by. What a
 * file is, its content decides; its name decides what is offered, and what bytes cannot tell.
 */

export const weightEndings = {
  safetensors: ['.safetensors'],
  npy: ['.npy'],
  npz: ['.npz'],
  gguf: ['.gguf'],
  aguf: ['.aguf'],
  keras: ['.h5', '.hdf5', '.keras'],
  'torch-export': ['.pt2'],
  // The whole name of the file beside its shards.
  'torch-distributed': ['.metadata'],
  nemo: ['.nemo'],
  pytorch: ['.pt', '.pth', '.bin', '.ckpt', '.pkl', '.pickle', '.pdparams'],
  onnx: ['.onnx'],
  tensorflow: ['.index'],
  flax: ['.msgpack'],
  llamafile: ['.llamafile'],
  // Statistics, not weights: opened where they are asked for, not offered as a model.
  imatrix: [],
} as const satisfies Readonly<Record<string, readonly `.${string}`[]>>

export type FormatId = keyof typeof weightEndings

/** As their makers write them; names need no translation. */
const formatNames: Readonly<Record<FormatId, string>> = {
  safetensors: 'safetensors',
  npy: 'NumPy .npy',
  npz: 'NumPy .npz',
  gguf: 'GGUF',
  imatrix: 'imatrix',
  aguf: 'AGUF',
  keras: 'Keras',
  'torch-export': 'PyTorch export',
  'torch-distributed': 'PyTorch distributed',
  nemo: 'NeMo',
  pytorch: 'PyTorch',
  onnx: 'ONNX',
  tensorflow: 'TensorFlow',
  flax: 'Flax',
  llamafile: 'llamafile',
}

export function formatName(format: string): string {
  return formatNames[format as FormatId] ?? format
}

export const allWeightEndings: readonly string[] = Object.values(weightEndings).flat()

/** Whether models of this format have their graph beside the weights. */
export function hasGraph(format: string): boolean {
  return format === ('onnx' satisfies FormatId)
}

/** Of every format; an ending counts in any case. */
export function endsLikeWeights(name: string, endings: readonly string[] = allWeightEndings): boolean {
  const lower = name.toLowerCase()
  return endings.some((ending) => lower.endsWith(ending))
}

const indexEnding = /\.index(\.[\w-]+)?\.json$/i

/** Whether a name says that a file is an index of shards. */
export function isIndexName(name: string): boolean {
  return indexEnding.test(name)
}

/** The name of what an index is of; any other as it is. */
export function withoutIndexEnding(name: string): string {
  return name.replace(indexEnding, '')
}

/** The name without such an ending, that of an index of shards included. */
export function withoutWeightEnding(name: string): string {
  const whole = withoutIndexEnding(name)
  const ending = allWeightEndings.find((each) => whole.toLowerCase().endsWith(each))
  return (ending && whole.slice(0, -ending.length)) || name
}

/** Whether a file of this name is offered as weights: one of them, or an index that names some. */
export function isWeightName(name: string): boolean {
  return endsLikeWeights(withoutIndexEnding(name))
}

/** Of several files the one to open: the one that names the others, else the first that looks like weights, else the first. */
export function entryName(names: readonly string[]): string | undefined {
  return names.find(isIndexName) ?? names.find(isWeightName) ?? names[0]
}
