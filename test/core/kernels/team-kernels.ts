/** Kernels for tests: a team whose members run main/engine/team.ts as it is. */
import { createWasmKernels, type KernelOptions, type TeamKernels } from '../../../core/kernels/wasm.ts'
import { threadSpawner } from '../../../main/engine/threads.ts'

export function testKernels(options: Partial<KernelOptions> = {}): Promise<TeamKernels> {
  return createWasmKernels({ threads: 1, choice: 'auto', spawn: threadSpawner(), ...options })
}
