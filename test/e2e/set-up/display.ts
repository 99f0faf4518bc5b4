/** A display for windows where the machine has none: Xvfb, one for each worker, so that windows do not cover each other. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { findProgram } from './find-program.ts'

export interface Display {
  /** As DISPLAY names it. */
  readonly name: string
  close(): Promise<void>
}

/** Null on a system that needs none to be named. */
const ownDisplay = () => (process.platform === 'linux' ? process.env.DISPLAY || process.env.WAYLAND_DISPLAY : null)

export const canShowWindows = () => ownDisplay() !== undefined || findProgram(['Xvfb']) !== null

/** The machine's own display, or a virtual one. */
export async function openDisplay(): Promise<Display> {
  return ownDisplay() === undefined ? openVirtualDisplay() : { name: process.env.DISPLAY ?? '', close: async () => {} }
}

/** @param forEverybody other users of this machine may show windows there too */
export async function openVirtualDisplay(forEverybody = false): Promise<Display> {
  // Xvfb chooses a free number itself, and writes it to the descriptor once it can be used.
  const parameters = ['-displayfd', '3', '-screen', '0', '1600x1000x24', ...(forEverybody ? ['-ac'] : [])]
  const server = spawn('Xvfb', parameters, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
  process.once('exit', () => server.kill())
  const [number] = await Promise.race([
    once(server.stdio[3]!, 'data'),
    once(server, 'exit').then(([code]) => Promise.reject(new Error(`Xvfb ended with exit code ${code}.`))),
  ])
  return {
    name: `:${String(number).trim()}`,
    async close() {
      const ended = once(server, 'exit')
      server.kill()
      await ended
    },
  }
}
