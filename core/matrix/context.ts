/** What a job is given by its host: arithmetic, somewhere to report, and the host's few abilities that core lacks. */

import type { JobEvent } from '../contract.ts'
import type { Kernels } from '../kernels/kernels.ts'
import type { Message } from '../messages/message.ts'
import type { SketchCache } from '../sketch-cache/sketch-cache.ts'
import type { OutputNorm } from './output-norm.ts'

/** An event as core says it: the host adds the job's id and how much memory its process takes. */
type Utterance = WithoutHost<Extract<JobEvent, { type: 'progress' | 'stage' | 'estimate' | 'spectrum' | 'tensor' }>>
type WithoutHost<E> = E extends unknown ? Omit<E, 'jobId' | 'memoryBytes'> : never

/** What a report says of what computed it, beyond its name. */
export function kernelNotices({ kernelNotice, kernels }: Pick<JobContext, 'kernelNotice' | 'kernels'>): Message[] {
  return [...(kernelNotice ? [kernelNotice] : []), ...(kernels.device?.notices() ?? [])]
}

export interface JobContext {
  readonly kernels: Kernels
  /** Says when these are slower than the product's best, and why. */
  readonly kernelNotice?: Message | null
  report(event: Utterance): void
  /** Throws AppError `cancelled` once it was requested. Kernels check between tiles; loops outside them call this. */
  checkCancelled(): void
  /** Most resident memory of this process so far. */
  peakBytes(): number
  /** A running SHA-256, which no host-free library offers in a streaming form. */
  sha256(): { update(bytes: Uint8Array): void; digest(): Uint8Array }
  /** CRC-32 as zip uses it, of `bytes` after those whose checksum is `previous`: formats/archives/crc32.ts at the speed of memory. */
  crc32(bytes: Uint8Array, previous?: number): number
  /** In which errors are measured, where there are statistics of inputs. Absent: the Frobenius norm of the weights. */
  readonly outputNorm?: OutputNorm | undefined
  /** Finished sketches; absent where nothing is to be kept. `sourceHash` tells this state of the source from any other. */
  readonly sketches?: undefined | { readonly cache: SketchCache; readonly sourceHash: string }
}
