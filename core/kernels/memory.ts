/** A stack of buffers on one shared WebAssembly.Memory. Views stay valid while it grows: shared memory grows in place. */

import { AppError } from '../errors.ts'
import { say } from '../messages/english.ts'
import { foreign } from '../messages/text.ts'
import type { Kernels } from './kernels.ts'

const PAGE = 65536
/** Cache lines do not straddle two buffers, and every vector load is aligned. */
const ALIGNMENT = 64
/** Grown in steps, since each growth is a system call in every thread. */
const STEP_PAGES = 256
/** What 32-bit WebAssembly can address. */
export const ADDRESS_SPACE_BYTES = 65536 * PAGE

export interface StackMemory {
  readonly memory: WebAssembly.Memory
  /** Byte offset of `byteLength` fresh bytes, aligned to 64, contents undefined. @throws AppError `out-of-memory` */
  allocate(byteLength: number): number
  mark(): number
  release(mark: number): void
  readonly usage: Kernels['memory']
  /** Byte offset of a view that was made on this memory. */
  addressOf(view: ArrayBufferView): number
  /** The buffer as long as it is now. */
  buffer(): SharedArrayBuffer
}

/** @throws AppError `out-of-memory` when the machine does not give the address space. */
export function stackMemory(limitBytes: number): StackMemory {
  const maximum = Math.max(1, Math.floor(Math.min(limitBytes, ADDRESS_SPACE_BYTES) / PAGE))
  const memory = reserve(maximum)
  const usage = {
    usedBytes: 0,
    peakBytes: 0,
    limitBytes: maximum * PAGE,
    restartPeak() {
      usage.peakBytes = usage.usedBytes
    },
  }
  // Growing gives a new, longer SharedArrayBuffer object over the same bytes.
  const buffers = new WeakSet<ArrayBufferLike>()
  const current = () => {
    const buffer = memory.buffer as unknown as SharedArrayBuffer
    buffers.add(buffer)
    return buffer
  }

  const grow = (needed: number) => {
    const have = current().byteLength / PAGE
    const pages = Math.ceil(needed / PAGE)
    if (pages <= have) return
    try {
      memory.grow(Math.min(Math.max(pages, have + STEP_PAGES), maximum) - have)
    } catch (cause) {
      throw refusal(needed, cause)
    }
    current()
  }

  return {
    memory,
    usage,
    buffer: current,
    allocate(byteLength) {
      const start = usage.usedBytes
      const end = start + Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT
      if (end > usage.limitBytes)
        throw new AppError('out-of-memory', say('memory.limit', { needed: end, limit: usage.limitBytes }), {
          bytes: end,
        })
      grow(end)
      usage.usedBytes = end
      usage.peakBytes = Math.max(usage.peakBytes, end)
      return start
    },
    mark: () => usage.usedBytes,
    release(mark) {
      if (mark > usage.usedBytes) throw new RangeError(`release(${mark}): only ${usage.usedBytes} bytes are in use`)
      usage.usedBytes = mark
    },
    addressOf(view) {
      if (!buffers.has(view.buffer)) throw new TypeError('kernels: an operand does not lie in the kernels’ memory')
      return view.byteOffset
    },
  }
}

function reserve(maximum: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: 1, maximum, shared: true })
  } catch (cause) {
    throw refusal(maximum * PAGE, cause)
  }
}

function refusal(needed: number, cause: unknown): AppError {
  return new AppError('out-of-memory', say('memory.refused', { needed, fault: foreign(String(cause)) }), {
    bytes: needed,
  })
}
