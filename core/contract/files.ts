/** Files as main names them and as the engine describes them. */
import { z } from 'zod'
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

export const tensorReportSchema = z.strictObject({
  name: z.string(),
  dtype: z.string(),
  shape: z.array(z.number()),
  /** As the file encodes it. */
  byteLength: z.number(),
  /** Of its values where the file encodes them in blocks: what a copy takes, and what factors of the same dtype go by. */
  decodedBytes: z.number().optional(),
  /** Of its values, where `dtype` is an encoding in blocks. */
  decodedDType: z.enum(Object.keys(dtypeBits) as [DType, ...DType[]]).optional(),
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

export const fileReportSchema = z.strictObject({
  fileId: z.string(),
  name: z.string(),
  format: z.string(),
  safety: z.enum(['safe', 'opened-without-running']),
  totalBytes: z.number(),
  notices: z.array(messageSchema),
  tensors: z.array(tensorReportSchema),
})
export type FileReport = z.infer<typeof fileReportSchema>
