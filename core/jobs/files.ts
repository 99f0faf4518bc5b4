/** The files a job is run on, by role; one that writes is also told where, and one that runs models by what. */
import type { ModelRunner } from '../answers/runner.ts'
import type { JobKind, JobOf } from '../contract.ts'
import type { WeightFile } from '../formats/format.ts'
import type { CompressionTarget } from '../write/compression.ts'

type ReadBy<K extends JobKind> = {
  // What reads no file has no role: Record<string, never>.
  readonly [Role in keyof JobOf<K>['files'] as string extends Role
    ? never
    : Role]: JobOf<K>['files'][Role] extends readonly string[] ? readonly WeightFile[] : WeightFile
}
type WrittenBy<K extends JobKind> =
  JobOf<K> extends { target: string } ? { readonly target: CompressionTarget } : unknown
type RunBy<K extends JobKind> =
  JobOf<K> extends { files: { inputs: readonly string[] } } ? { readonly models: ModelRunner } : unknown

export type FilesOf<K extends JobKind> = ReadBy<K> & WrittenBy<K> & RunBy<K>
