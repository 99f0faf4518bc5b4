/** The shape of a job: the files it is run on by role, what else it is told, and its report. A file of this folder has one of each. */
import { z } from 'zod'
import type { Params } from '../../params.ts'

/** An open file of the client's. */
export const fileId = z.string()

/** What most jobs are run on. */
export const ofModel = z.strictObject({ model: fileId })
/** What errors may be weighed by: those of outputs, by statistics of inputs. */
export const withStatistics = z.strictObject({ model: fileId, statistics: fileId.optional() })
/** Of a role that has several files, or none. */
export const fileIds = z.array(fileId).max(10_000).default([])
/** For a job that reads no file. */
export const noFiles = z.strictObject({}).default({})

/** Where a job writes, and on which terms. */
export interface Writes {
  /** A grant. */
  readonly target: string
  /** Whether what is there may be replaced. */
  readonly force: boolean
  /** Whether what was written outlives a cancel and the death of the engine. */
  readonly resume: boolean
}

/**
 * @param files roles in the order in which they make up the identity of what is read (core/write/source-hash.ts)
 * @param options what else it is told
 * @param machine whose kernel, threads and limits it runs with; those of the defaults where absent
 * @param writes where it writes; absent for a job that does not
 */
export function job<
  Kind extends string,
  Files extends z.ZodType,
  Options extends z.ZodRawShape,
  Report extends z.ZodType,
>(
  kind: Kind,
  declared: {
    readonly files: Files
    readonly options: Options
    readonly report: Report
    readonly machine?: (options: z.output<z.ZodObject<Options>>) => Params
    readonly writes?: (options: z.output<z.ZodObject<Options>>) => Writes
  },
) {
  const { files, options, report, machine, writes } = declared
  return {
    machine,
    writes,
    request: z.strictObject({ kind: z.literal(kind), files, ...options }),
    result: z.strictObject({ kind: z.literal(kind), report }),
  }
}

/** Each file of a job with its role; of a role that has several, `role.0`, `role.1`, ... */
export function filesByRole(files: object): [role: string, id: string][] {
  return Object.entries(files as Readonly<Record<string, string | readonly string[] | undefined>>).flatMap(
    ([role, ids]): [string, string][] => {
      if (ids === undefined) return []
      return typeof ids === 'string' ? [[role, ids]] : ids.map((id, i) => [`${role}.${i}`, id])
    },
  )
}

/** Whether it is one of several files of a role: inputs to run a model on, or models to run, which no weights follow from. */
export function isListed(role: string): boolean {
  return role.includes('.')
}
