/**
 * The output styles as decisions and screens see them: what an output holds and what it is called. How its bytes are made is the writer of
 * the same name in core/write/styles/. A style is an entry here with its English, a writer and its line in the registry there, the Python that loads
 * it (core/report/python.ts), and its words in the other language.
 */
import type { LayoutId } from './layouts.ts'
import { say } from './messages/english.ts'
import type { Message } from './messages/message.ts'
import type { DType } from './tensor.ts'

/** What the containers can hold, as decisions see them; their bytes are made in core/write/encodings/. */
export interface EncodingFacts {
  /** Dtypes that it has no place for, whose values are widened to F32. */
  readonly widened: readonly DType[]
  /** Whether a tensor's name must be one that an archive can have for a member. */
  readonly namesMembers: boolean
  /** Whether the metadata has a checksum for each entry; the others have checksums of their own, or no place for any. */
  readonly listsChecksums: boolean
  /** Whether parts of it can be joined to the bytes of the whole. */
  readonly joins: boolean
  /** Whether its writer gives another name to what would have that of something else. */
  readonly renames: boolean
}

const none = { widened: [], namesMembers: false, listsChecksums: false, joins: false, renames: false } as const
const encodingFacts = {
  safetensors: { ...none, listsChecksums: true, joins: true },
  npz: { ...none, widened: ['BF16', 'F8_E4M3', 'F8_E5M2'], namesMembers: true },
  aguf: { ...none, renames: true },
  gguf: none,
  onnx: { ...none, renames: true },
} as const satisfies Readonly<Record<string, EncodingFacts>>

export type EncodingId = keyof typeof encodingFacts
export const encodings: Readonly<Record<EncodingId, EncodingFacts>> = encodingFacts

/** The dtype in which an encoding holds values of this one. */
export function encodedDType(encoding: EncodingId, dtype: DType): DType {
  return encodings[encoding].widened.includes(dtype) ? 'F32' : dtype
}

export interface Style {
  readonly id: StyleId | AdapterForm
  /** How names of outputs end. */
  readonly ending: string
  /**
   * `file`: one file of the target's name. `like-source`: as many files as the source has, in a folder of the target's name when that is
   * more than one. `adapter`: a folder with one file of weights and its configuration. `model`: a folder with as many files as the source has, and what
   * stands beside them.
   */
  readonly container: 'file' | 'like-source' | 'adapter' | 'model'
  /** What the files are encoded as. */
  readonly encoding: EncodingId
  /** Whether tensors that are not factorized are copied. Where not, the source's size is no measure of the output. */
  readonly copiesKept: boolean
  /** Whether values are divided by their scale again, so that it is copied as any other tensor. Factors hold value x factor. */
  readonly keepsScales: boolean
  /**
   * Whether factors are multiplied out into a matrix as large as the original: the test drive of the output `factors`, whose goals and
   * sizes are meant.
   */
  readonly multipliesOut: boolean
  /** How the format stores factors, whatever is asked for: in INT8 or in this dtype, up to this rank. null: as the parameters say. */
  readonly prescribed: { readonly layout: LayoutId; readonly dtype: 'F32'; readonly largestRank: number } | null
  /** Whether it is the source's own graph with factors in it: only a source that has one becomes this, and only what the graph takes factors for. */
  readonly isGraph: boolean
  /** Whether it holds what is added to a model: nothing is kept as it is there, and what is left out is lost. */
  readonly isDifference: boolean
  /** Whether factors are modules of their own: only the weight of a linear module becomes them. */
  readonly asModules: boolean
  /** Whether convolutions that see more than one point are in it unless they are named; the habit of adapters is to leave them out. */
  readonly takesConvolutions: boolean
  /** What of a tensor has a place in it. */
  readonly holds: {
    readonly experts: boolean
    readonly sparse: boolean
    readonly int8: boolean
    /** Kept weights in INT8, which something in the output has to widen. */
    readonly denseInt8: boolean
  }
}

/** English, for the page; other languages have `compress.styles.<id>` in their words. */
export type StyleWords = { short: string; title: string; help: string }

const everything = { experts: true, sparse: true, int8: true, denseInt8: false }
const layersAlone = { experts: false, sparse: false, int8: false, denseInt8: false }

const entries = {
  factors: {
    words: {
      short: 'factors',
      title: 'Factors (.safetensors)',
      help: 'Two factors in place of each matrix. The smallest file; needs a loader that multiplies them.',
    },
    ending: '.lowrank.safetensors',
    container: 'file',
    encoding: 'safetensors',
    copiesKept: true,
    keepsScales: false,
    multipliesOut: false,
    prescribed: null,
    isGraph: false,
    isDifference: false,
    asModules: false,
    takesConvolutions: true,
    holds: everything,
  },
  dense: {
    words: {
      short: 'full-size copy',
      title: 'Full-size copy for testing (.safetensors)',
      help: 'The same names, dtypes and size as the source: loads wherever the source does, to test the model.',
    },
    ending: '.dense.safetensors',
    container: 'like-source',
    encoding: 'safetensors',
    copiesKept: true,
    keepsScales: true,
    multipliesOut: true,
    prescribed: null,
    isGraph: false,
    isDifference: false,
    asModules: false,
    takesConvolutions: true,
    holds: everything,
  },
  npz: {
    words: {
      short: 'NumPy',
      title: 'NumPy (.npz)',
      help: 'The factors as arrays for numpy.load.',
    },
    ending: '.lowrank.npz',
    container: 'file',
    encoding: 'npz',
    copiesKept: true,
    keepsScales: false,
    multipliesOut: false,
    prescribed: null,
    isGraph: false,
    isDifference: false,
    asModules: false,
    takesConvolutions: true,
    holds: everything,
  },
  aguf: {
    words: {
      short: 'prototype',
      title: 'GhostSVD prototype (.aguf)',
      help: 'U, S and V of each compressed matrix, in F32 or INT8. Not a whole model: kept tensors are left out, names are cut to 8 bytes.',
    },
    ending: '.aguf',
    container: 'file',
    encoding: 'aguf',
    copiesKept: false,
    keepsScales: false,
    multipliesOut: false,
    // The rank is a 16-bit number in the file.
    prescribed: { layout: 'aguf', dtype: 'F32', largestRank: 65_535 },
    isGraph: false,
    isDifference: false,
    asModules: false,
    takesConvolutions: true,
    holds: { ...everything, experts: false },
  },
  onnx: {
    words: {
      short: 'model that runs',
      title: 'Model that runs (.onnx)',
      help: "The model's own graph with two factors in place of each matrix: runs wherever the source does, without a loader.",
    },
    ending: '.lowrank.onnx',
    container: 'file',
    encoding: 'onnx',
    copiesKept: true,
    keepsScales: true,
    multipliesOut: false,
    prescribed: null,
    isGraph: true,
    isDifference: false,
    asModules: false,
    takesConvolutions: true,
    holds: { experts: false, sparse: false, int8: true, denseInt8: true },
  },
  transformers: {
    words: {
      short: 'transformers',
      title: 'Folder for transformers',
      help: 'Factors as modules, config.json and a loader: from_pretrained opens it after "import ghostsvd_loader". Needs the config.json of the model.',
    },
    ending: '-lowrank',
    container: 'model',
    encoding: 'safetensors',
    copiesKept: true,
    keepsScales: false,
    multipliesOut: false,
    prescribed: null,
    isGraph: false,
    isDifference: false,
    asModules: true,
    takesConvolutions: true,
    holds: layersAlone,
  },
} as const satisfies Readonly<Record<string, Omit<Style, 'id'> & { readonly words: StyleWords }>>

export const adapterForms = ['kohya', 'comfy', 'diffusers', 'peft', 'gguf'] as const
export type AdapterForm = (typeof adapterForms)[number]

const adapter = {
  takesConvolutions: false,
  container: 'file',
  encoding: 'safetensors',
  copiesKept: false,
  keepsScales: false,
  multipliesOut: false,
  prescribed: null,
  isGraph: false,
  isDifference: true,
  asModules: false,
  holds: layersAlone,
} as const

/** The outputs of a difference: adapters in the forms of their loaders. */
export const adapterStyles: Readonly<Record<AdapterForm, Style>> = {
  kohya: { ...adapter, id: 'kohya', ending: '.lora.safetensors' },
  comfy: { ...adapter, id: 'comfy', ending: '.lora.safetensors' },
  diffusers: { ...adapter, id: 'diffusers', ending: '.lora.safetensors' },
  peft: { ...adapter, id: 'peft', ending: '-lora', container: 'adapter' },
  gguf: { ...adapter, id: 'gguf', ending: '.lora.gguf', encoding: 'gguf', holds: { ...layersAlone, experts: true } },
}

/** Whose loaders take whole what is no matrix: norms, biases. */
export const wholeForms = ['comfy', 'peft'] as const satisfies readonly AdapterForm[]

/** Everything that a run can write: of a model, or of a difference. */
export type OutputId = StyleId | AdapterForm

/** Styles there were: who asks for one is told what to do instead. */
const retired = ['peft', 'kohya'] as const

/** Why there is no such output any more; null where its name says nothing. */
export function retiredStyle(id: unknown): Message | null {
  const was = retired.find((each) => each === id)
  return was ? say(`style.${was}-retired`, { styles: styleIds }) : null
}

export type StyleId = keyof typeof entries
export const styleIds = Object.keys(entries) as [StyleId, ...StyleId[]]
export const styleWords = Object.fromEntries(styleIds.map((id) => [id, entries[id].words])) as Record<
  StyleId,
  StyleWords
>
/** The style that is written by default. */
export const defaultStyle: StyleId = 'factors'

export const styles = Object.fromEntries(
  styleIds.map((id): [StyleId, Style] => {
    const { words: _, ...style } = entries[id]
    return [id, { id, ...style }]
  }),
) as Readonly<Record<StyleId, Style>>

export const outputIds = [...styleIds, ...adapterForms] as [OutputId, ...OutputId[]]
export const allStyles: Readonly<Record<OutputId, Style>> = { ...styles, ...adapterStyles }

/** The module whose weight this is, by its name; null for what is no weight of a module. */
export function moduleOf(name: string): string | null {
  return name.endsWith('.weight') ? name.slice(0, -'.weight'.length) : null
}

/** The dtype in which an output holds values of this one. */
export function writtenDType({ encoding }: Pick<Style, 'encoding'>, dtype: DType): DType {
  return encodedDType(encoding, dtype)
}
