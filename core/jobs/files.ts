/** The files a job is run on, by role; one that writes is also told where. */
import type { JobKind, JobOf } from '../contract.ts'
import type { WeightFile } from '../formats/format.ts'
import type { CompressionTarget } from '../write/compression.ts'

type ReadBy<K extends JobKind> = {
  // What reads no file has no role: Record<string, never>.
  readonly [Role in keyof JobOf<K>['files'] as string extends Role ? never : Role]: WeightFile
}
type WrittenBy<K extends JobKind> =
  JobOf<K> extends { target: string } ? { readonly target: CompressionTarget } : unknown

export type FilesOf<K extends JobKind> = ReadBy<K> & WrittenBy<K>
