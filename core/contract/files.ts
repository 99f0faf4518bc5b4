/** Files as main names them and as the engine describes them. */
import { z } from 'zod'
import { adapterForms, styleIds } from '../styles.ts'
import { type DType, dtypeBits } from '../tensor.ts'
import { messageSchema } from './messages.ts'

/** Main gives these out after a dialog, a drop or a pick; only main can name a path. */
export const grantSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  kind: z.enum(['file', 'folder', 'target']),
  byteLength: z.number().nullable(),
})
export type Grant = z.infer<typeof grantSchema>

const tensorReportSchema = z.strictObject({
  name: z.string(),
  dtype: z.string(),
  shape: z.array(z.number()),
  /** As the file encodes it. */
  byteLength: z.number(),
  /** Rank of the factors the file has in its place. */
  storedRank: z.number().optional(),
  /** Of its values where the file encodes them in blocks: what a copy takes, and what factors of the same dtype go by. */
  decodedBytes: z.number().optional(),
  /** Of its values, where `dtype` is an encoding in blocks. */
  decodedDType: z.enum(Object.keys(dtypeBits) as [DType, ...DType[]]).optional(),
  /** How the model's graph uses it (core/tensor.ts), of a format that has one. */
  inGraph: z
    .strictObject({
      unfit: messageSchema.nullable(),
      isInNode: z.boolean(),
      isConvolution: z.boolean(),
      input: z.enum(['rows', 'cols']).nullable(),
      flops: z.enum(['product', 'none']),
      int8Axis: z.number().nullable(),
      opset: z.number(),
    })
    .optional(),
  /** The first tensor with the very same storage, which alone counts. */
  sharesStorageWith: z.string().optional(),
  /** [m, n], [e, m, n] for a stack of experts, null for what cannot be factorized: no matrix, or values of a dtype that is not computed with. */
  matrix: z.array(z.number()).nullable(),
  /** Why a matrix is what it is: linear, conv (flattened), experts; of linear ones a table of embeddings is told by its name. */
  kind: z.enum(['linear', 'embedding', 'conv', 'experts']).nullable(),
  /** `grows`: kept at this rank because its factors would not be smaller, factorized at a smaller rank. */
  plan: z.enum(['factorize', 'keep', 'grows']),
  reason: messageSchema,
})
export type TensorReport = z.infer<typeof tensorReportSchema>

/** What an opened file of differences is: two models side by side, or an adapter. */
const differenceReportSchema = z.strictObject({
  of: z.enum(['pair', 'adapter']),
  /** Of files: base and tuned, or the adapter. */
  names: z.array(z.string()),
  /** Name of the model that an adapter's errors are measured beside, and that says the order of its heads; null: of none. */
  relativeTo: z.string().nullable(),
  /** For whose loaders its matrices are cut and named. */
  form: z.enum(adapterForms),
  /** Those that have a place for any of it, and for how many modules. */
  forms: z.array(z.strictObject({ form: z.enum(adapterForms), modules: z.number() })),
  /** Whose names they are; null where no family that is known has them. */
  family: z.string().nullable(),
  /** Of its factors, where none is asked for. */
  dtype: z.enum(['F32', 'F16', 'BF16']),
  /** Whether convolutions that see more than one point are among them unasked. */
  convolutions: z.boolean(),
  /** As the file has it. */
  adapter: z
    .strictObject({
      form: z.enum(adapterForms),
      modules: z.number(),
      kinds: z.array(z.enum(['lora', 'loha', 'lokr', 'embedding', 'table'])),
      /** Least and largest. */
      ranks: z.tuple([z.number(), z.number()]),
      scales: z.tuple([z.number(), z.number()]),
      /** How many modules say one. */
      alphas: z.number(),
    })
    .nullable(),
})
export type DifferenceReport = z.infer<typeof differenceReportSchema>

/** By grants. `form` null: its own, or what most loaders of the family take. */
export const differenceSourceSchema = z.union([
  z.strictObject({
    base: z.string(),
    tuned: z.string(),
    form: z.enum(adapterForms).nullable(),
    convolutions: z.boolean(),
  }),
  z.strictObject({
    adapter: z.string(),
    /** The model it belongs to, for what is measured beside its weights. */
    base: z.string().nullable(),
    form: z.enum(adapterForms).nullable(),
  }),
])
export type DifferenceSource = z.infer<typeof differenceSourceSchema>

const fileReportSchema = z.strictObject({
  fileId: z.string(),
  name: z.string(),
  format: z.string(),
  safety: z.enum(['safe', 'opened-without-running', 'code-passed-over']),
  totalBytes: z.number(),
  notices: z.array(messageSchema),
  tensors: z.array(tensorReportSchema),
  /** Most of its matrices are factors of an adapter: `openDifference` shows what it adds. */
  isAdapter: z.literal(true).optional(),
  /** What a model that has a graph is fed with: a size is a number, the name of an open one, or null for one without a name. */
  inputs: z
    .array(z.strictObject({ name: z.string(), shape: z.array(z.union([z.number(), z.string(), z.null()])).readonly() }))
    .readonly()
    .optional(),
  /** Outputs that this file cannot become, and why, as far as what lies beside it decides that. */
  cannotBecome: z.array(z.strictObject({ output: z.enum(styleIds), why: messageSchema })).optional(),
  /** Of what `openDifference` opened. */
  difference: differenceReportSchema.optional(),
})
export type FileReport = z.infer<typeof fileReportSchema>
