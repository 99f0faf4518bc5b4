/** What comes from a device's process is no device's word: it is refused at once, the processor goes on, and the process is gone. */
import { describe, expect, it } from 'vitest'
import { newControl } from '../../../../core/kernels/control.ts'
import { DeviceFault } from '../../../../core/kernels/gpu/fault.ts'
import { openDevice } from '../../../../main/engine/device/device-link.ts'
import { deviceSpawner } from '../../../../main/engine/device/spawn-device.ts'

const entry = new URL('./fixtures/hostile.ts', import.meta.url)
const sharedFloats = (length: number) => new Float32Array(new SharedArrayBuffer(4 * length))

async function open(mischief: string) {
  process.env.GHOSTSVD_TEST_DEVICE = mischief
  let pid = 0
  const spawn = deviceSpawner(entry, (started) => {
    pid = started
  })
  const link = await openDevice(spawn, {
    ...({ wish: { name: null, software: true }, way: 'pipe', cancelControl: newControl() } as const),
    ...{ patienceMs: 20_000, operationMs: 300 },
  })
  return { link, gone: () => expect.poll(() => lives(pid), { timeout: 10_000 }).toBe(false) }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('a device that says', () => {
  it.each([
    ...['no JSON', 'a head of 4 GB', 'no head', 'a payload of a terabyte', 'a payload of no size'],
    ...['a device of no kind', 'room for less than nothing', 'a name of a page', 'no known reason'],
    'its end of the pipe closed',
  ])('%s is none', async (mischief) => {
    const { link, gone } = await open(mischief)
    expect(link).toMatchObject({ why: 'not-started' })
    await gone()
  })

  it.each([
    ...['a number nobody asked for', 'a number as text', 'too few values', 'too many values', 'no values'],
    ...['brackets without end', 'that it has opened', 'nothing but beats'],
  ])('%s in the middle of the work is one no longer', async (mischief) => {
    const { link, gone } = await open(mischief)
    if ('why' in link) throw new Error(JSON.stringify(link))
    const data = new Uint8Array(sharedFloats(6).buffer)
    const id = link.upload({ rows: 2, cols: 3, dtype: 'F32', scale: 1, data })
    const out = sharedFloats(2)
    expect(() => link.multiply(id, 'plain', sharedFloats(3), 1, out, false)).toThrow(DeviceFault)
    expect([...out]).toEqual([0, 0])
    await gone()
  })

  it('nothing, because it could not be started, is none', async () => {
    const link = await openDevice(deviceSpawner(new URL('./fixtures/nowhere.ts', import.meta.url)), {
      ...({ wish: { name: null, software: true }, way: 'pipe', cancelControl: newControl() } as const),
    })
    expect(link).toMatchObject({ why: 'not-started' })
  })
})
