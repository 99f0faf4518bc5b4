/** The driver's kernels: made when a job first needs them, made anew when a job wants others. */
import type { Kernels } from '../../core/kernels/kernels.ts'
import { referenceKernels } from '../../core/kernels/reference.ts'
import type { Params } from '../../core/params.ts'

export interface FoundKernels {
  readonly kernels: Kernels
  /** Says when these are slower than the product's best, and why. */
  readonly notice: string | null
}

export interface KernelRoom {
  kernels(params: Pick<Params, 'threads' | 'kernel'>): Promise<FoundKernels>
}

export function kernelRoom(): KernelRoom {
  const kernels = referenceKernels()
  return {
    kernels: async () => ({
      kernels,
      notice: 'The reference kernels compute: right, and about a hundred times slower than WebAssembly.',
    }),
  }
}
