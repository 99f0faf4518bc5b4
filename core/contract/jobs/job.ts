/** The shape of a job: the files it is run on by role, what else it is told, and its report. A file of this folder has one of each. */
import { z } from 'zod'

/** An open file of the client's. */
export const fileId = z.string()

/** What most jobs are run on. */
export const ofModel = z.strictObject({ model: fileId })
/** For a job that reads no file. */
export const noFiles = z.strictObject({}).default({})

/**
 * @param files roles in the order in which they make up the identity of what is read (core/write/source-hash.ts)
 * @param options what else it is told; with `target`, a grant to write there, also where
 */
export function job<
  Kind extends string,
  Files extends z.ZodType,
  Options extends z.ZodRawShape,
  Report extends z.ZodType,
>(
  kind: Kind,
  { files, options, report }: { readonly files: Files; readonly options: Options; readonly report: Report },
) {
  return {
    request: z.strictObject({ kind: z.literal(kind), files, ...options }),
    result: z.strictObject({ kind: z.literal(kind), report }),
  }
}
