/** `ghostsvd serve` as a command: what it refuses before it serves. The host itself is tested in test/main/loopback. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { can } from '../../../system.ts'
import { ghostsvd, program, temporaryFolder } from '../run.ts'

test('a folder that is none ends it with a sentence', async () => {
  const folder = await temporaryFolder()
  const ended = await ghostsvd(['serve', join(folder, 'nowhere')])
  expect(ended).toMatchObject({ status: 1, stdout: '' })
  expect(ended.stderr).toMatch(/nowhere" is not a folder\.\n$/)
})

test('a port that is none is wrong usage', async () => {
  for (const port of ['65536', '-1', '80a', '1.5', '']) {
    const ended = await ghostsvd(['serve', `--port=${port}`])
    expect([ended.status, ended.stdout], port).toEqual([2, ''])
  }
})

test('a port that is taken is named', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  const ended = await ghostsvd(['serve', await temporaryFolder(), '--port', String(port)])
  expect(ended).toMatchObject({ status: 1, stdout: '' })
  expect(ended.stderr).toBe(`Port ${port} is in use. Choose another one, or 0 for any free port.\n`)
  await new Promise((resolve) => other.close(resolve))
})

test.runIf(can.posix)('a signal while it starts leaves no temporary folder', async () => {
  const temporary = await temporaryFolder()
  const env = { ...process.env, TMPDIR: temporary, GHOSTSVD_CONFIG: join(temporary, 'config') }
  const child = spawn(process.execPath, [program, 'serve', temporary], { env, stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = once(child, 'exit')
  const own = () => readdirSync(temporary).filter((name) => name.startsWith('ghostsvd-'))
  await vi.waitFor(() => expect(own()).toHaveLength(1), { timeout: 20_000, interval: 1 })
  child.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
  expect(own()).toEqual([])
})
