/** The command line as a user starts it: the built one (test/build.ts). */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll } from 'vitest'

const config = join(tmpdir(), `ghostsvd-test-config-${process.pid}`)
export const program = resolve(import.meta.dirname, '../../../out/main/cli.js')

export interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** `interruptAfterMs`: Ctrl+C after that time. */
export function ghostsvd(args: readonly string[], options: { interruptAfterMs?: number } = {}): Promise<Ended> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // Never the history and settings of whoever runs the tests.
      env: { ...process.env, GHOSTSVD_CONFIG: process.env.GHOSTSVD_CONFIG ?? config },
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const timer =
      options.interruptAfterMs === undefined
        ? undefined
        : setTimeout(() => child.kill('SIGINT'), options.interruptAfterMs)
    child.on('error', fail)
    child.on('close', (status) => {
      clearTimeout(timer)
      done({ status, stdout, stderr })
    })
  })
}

const folders: string[] = []
afterAll(async () => {
  await rm(config, { recursive: true, force: true })
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ghostsvd-test-'))
  folders.push(folder)
  return folder
}
