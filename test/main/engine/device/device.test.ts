/**
 * A GPU's process under a run: on SwiftShader, with faults at its third product. Whatever becomes of it, the run is finished with the bytes of the
 * processor from the matrix on at which it failed, says so, and leaves no process.
 */
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { compressFile } from '../../../../core/jobs/compress.ts'
import { withDevice } from '../../../../core/kernels/gpu/products.ts'
import type { TeamKernels } from '../../../../core/kernels/wasm.ts'
import { inEnglish } from '../../../../core/messages/english.ts'
import { openDevice } from '../../../../main/engine/device/device-link.ts'
import { deviceSpawner } from '../../../../main/engine/device/spawn-device.ts'
import { compressJob, openTensors, testContext, weights } from '../../../core/jobs/harness.ts'
import { missing, softwareVulkan } from '../../../core/kernels/gpu/software-device.ts'
import { testKernels } from '../../../core/kernels/team-kernels.ts'
import { memoryFolder } from '../../../core/memory-folder.ts'

const entry = new URL('./fixtures/device.ts', import.meta.url)
const params = { method: 'randomized', rank: 8, nIter: 1, device: 'gpu' } as const
const tensors = ['a', 'b', 'c'].map((name) => weights(name, [160, 120]))

describe.skipIf(missing !== null)('a run whose products a GPU makes', () => {
  let kernels: TeamKernels
  let byProcessor: Uint8Array
  const open: (() => void)[] = []

  async function run(fault: string | null) {
    process.env.GHOSTSVD_TEST_DEVICE = fault ?? ''
    Object.assign(process.env, softwareVulkan)
    let pid = 0
    const spawn = deviceSpawner(entry, (started) => {
      pid = started
    })
    const link = await openDevice(spawn, {
      wish: { name: null, software: true },
      way: 'pipe',
      cancelControl: kernels.control,
      patienceMs: 1500,
    })
    if ('why' in link) throw new Error(JSON.stringify(link))
    open.push(link.close)
    const folder = memoryFolder('out')
    const context = testContext({ kernels: withDevice(kernels, link, true) })
    const target = { folder, name: 'out.safetensors' }
    const report = await compressFile({ model: await openTensors(...tensors), target }, compressJob(params), context)
    link.close()
    await expect.poll(() => lives(pid), { timeout: 10_000 }).toBe(false)
    return {
      report,
      bytes: folder.files.get('out.safetensors')!,
      notices: report.notices.map((each) => inEnglish(each)),
    }
  }

  beforeAll(async () => {
    kernels = await testKernels({ memoryLimitBytes: 2 ** 28 })
    const folder = memoryFolder('out')
    const context = testContext({ kernels })
    await compressFile(
      { model: await openTensors(...tensors), target: { folder, name: 'out.safetensors' } },
      compressJob(params),
      context,
    )
    byProcessor = folder.files.get('out.safetensors')!
  })
  afterEach(() => {
    for (const close of open.splice(0)) close()
  })

  it('names it, tensor by tensor', { timeout: 240_000 }, async () => {
    const { report, notices } = await run(null)
    expect(notices).toEqual([])
    expect(report.device).toContain('SwiftShader')
    expect(report.tensors.map(({ device }) => device)).toEqual([report.device, report.device, report.device])
    expect(report.verified).toBe(true)
  })

  const said = {
    killed: /was lost in the middle of the work \(SIGKILL\)/,
    hangs: /gave no answer for 2 s/,
    spins: /gave no answer for 2 s/,
    lost: /was lost in the middle of the work|refused the work/,
    errs: /gave a wrong result, which was detected/,
  }
  for (const [fault, sentence] of Object.entries(said))
    it(`is finished by the processor when it ${fault}`, { timeout: 240_000 }, async () => {
      const { report, bytes, notices } = await run(fault)
      expect(notices).toEqual([expect.stringMatching(sentence)])
      // Its third product is of the first matrix: all three are the processor's, and so is every value.
      expect(report.tensors.map(({ device }) => device)).toEqual([undefined, undefined, undefined])
      expect(valuesOf(bytes)).toEqual(valuesOf(byProcessor))
    })
})

/** Behind the header, which names the device that was to be. */
function valuesOf(file: Uint8Array): Buffer {
  const header = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true))
  return Buffer.from(file.subarray(8 + header))
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
