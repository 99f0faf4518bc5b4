/** The product as it is built, its products by SwiftShader: right by an independent judge, interruptible, and gone with its run. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CompressionReport } from '../../../../core/contract.ts'
import { missing, softwareVulkan } from '../../../core/kernels/gpu/software-device.ts'
import { python, pythonHas } from '../../../python.ts'

const run = promisify(execFile)
const cli = resolve(import.meta.dirname, '../../../../out/main/cli.js')
const folder = mkdtempSync(join(tmpdir(), 'ghostsvd-device-'))
const model = join(folder, 'model.safetensors')
const env = {
  ...process.env,
  ...softwareVulkan,
  XDG_CONFIG_HOME: join(folder, 'config'),
  XDG_CACHE_HOME: join(folder, 'cache'),
}

async function ghostsvd(...args: string[]): Promise<string> {
  return (await run(process.execPath, [cli, ...args], { env, maxBuffer: 2 ** 26 })).stdout
}
const compress = async (out: string, ...flags: string[]) =>
  JSON.parse(
    await ghostsvd('compress', model, '--out', join(folder, out), '--rank', '12', '--json', ...flags),
  ) as CompressionReport

/** Processes of devices whose program is this build's. */
const devices = () =>
  readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      return (
        words.includes(resolve(cli, '../device.js')) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(folder)
      )
    } catch {
      return false
    }
  })

describe.skipIf(missing !== null)('a whole run on SwiftShader', () => {
  beforeAll(async () => {
    await ghostsvd('sample', model, '--layers', '1', '--hidden', '128')
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('is as right as the processor’s, names its device, and leaves no process', { timeout: 400_000 }, async () => {
    const byGpu = await compress('gpu.safetensors', '--method', 'randomized', '--device', 'gpu')
    const byCpu = await compress('cpu.safetensors', '--method', 'randomized', '--device', 'cpu')
    expect(byGpu.notices).toEqual([])
    expect(byGpu.device).toContain('SwiftShader')
    expect(byCpu.device).toBe(undefined)
    for (const [i, { device, action, relativeError, resolution }] of byGpu.tensors.entries()) {
      expect(device).toBe(action === 'factorized' ? byGpu.device : undefined)
      const other = byCpu.tensors[i]!.relativeError!
      expect(Math.abs(relativeError! - other)).toBeLessThanOrEqual(2 * (resolution ?? 0))
    }
    expect(devices()).toEqual([])
    const judge = resolve(import.meta.dirname, '../../../judge/factors.py')
    if (pythonHas('numpy')) await run(python, [judge, model, join(folder, 'gpu.safetensors')])
  })

  it('auto looks for none: the bytes are those of the processor', { timeout: 120_000 }, async () => {
    await compress('auto.safetensors', '--method', 'randomized')
    const [auto, cpu] = ['auto', 'cpu'].map((name) => readFileSync(join(folder, `${name}.safetensors`)))
    expect(auto!.equals(cpu!)).toBe(true)
  })

  it('one that is not there is named beside those that are, and the processor computes', {
    timeout: 120_000,
  }, async () => {
    const report = await compress('other.safetensors', '--method', 'randomized', '--device', 'gpu:Imaginary')
    expect(report.notices).toEqual([expect.stringMatching(/No GPU was used: .*Imaginary.*SwiftShader/)])
    expect(readFileSync(join(folder, 'other.safetensors')).equals(readFileSync(join(folder, 'cpu.safetensors')))).toBe(
      true,
    )
  })
})
