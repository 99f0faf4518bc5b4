/**
 * The first randomized SVD of a process that has just started and loaded the matrix: what somebody waits for who asks once. Ours is the command `analyze`, whose phases
 * say what the factorization took; a peer's is a Python process of its own. Starting and reading are left out on both sides.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { FittedParams } from '../../core/params.ts'
import type { PhaseTimes, TimedPhase } from '../../core/phases.ts'
import { type PeerName, startPeers } from './peers.ts'

export interface FreshProcesses {
  /** Milliseconds. `path`: a safetensors file of one tensor, `w`. */
  ours(path: string, params: FittedParams, seed: number): Promise<number>
  /** Milliseconds. `path`: an .npy file. */
  peer(name: PeerName, path: string, params: FittedParams, seed: number): Promise<number>
}

/** Of those that `analyze` reports, what an SVD takes from the matrix in memory to U, s, Vt. */
const factorizing = ['sketch', 'iterate', 'orthonormalize', 'estimate', 'smallSvd', 'lift'] satisfies TimedPhase[]

/** @param program the command line's, for node */
export function freshProcesses(program: string, threads: number): FreshProcesses {
  return {
    ours: async (path, { rank, algorithm, device }, seed) => {
      const choices = { tensor: 'w', method: 'randomized', rank, algorithm, device, seed, threads }
      const flags = Object.entries(choices).flatMap(([name, value]) => [`--${name}`, String(value)])
      const { stdout } = await promisify(execFile)(process.execPath, [program, 'analyze', path, ...flags, '--json'], {
        maxBuffer: 1 << 28,
      })
      const { phasesMs } = JSON.parse(stdout) as { readonly phasesMs: PhaseTimes }
      return factorizing.reduce((sum, phase) => sum + (phasesMs[phase] ?? 0), 0)
    },
    peer: async (peer, path, { rank, oversample, nIter }, seed) => {
      const process = startPeers(threads)
      try {
        await process.ask({ op: 'load', path })
        const { ms } = await process.ask({ op: 'randomized', peer, rank, oversample, nIter, seed, warm: false })
        return ms
      } finally {
        process.stop()
      }
    },
  }
}
