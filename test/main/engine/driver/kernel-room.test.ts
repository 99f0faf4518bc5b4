import { totalmem } from 'node:os'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { deviceSpawner } from '../../../../main/engine/device/spawn-device.ts'
import { type KernelRoom, kernelRoom } from '../../../../main/engine/driver/kernel-room.ts'
import { threadSpawner } from '../../../../main/engine/threads.ts'

const rooms: KernelRoom[] = []
function room(): { room: KernelRoom; announced: string[] } {
  const announced: string[] = []
  const made = kernelRoom({
    runtime: 'Node of the test',
    spawn: threadSpawner(),
    spawnDevice: deviceSpawner(),
    deviceWay: 'pipe',
    announceControl: () => {},
    announceKernels: ({ kernel, threads }) => announced.push(`${kernel} ${threads}`),
  })
  rooms.push(made)
  return { room: made, announced }
}
afterEach(async () => {
  vi.useRealTimers()
  // Ends the threads of the test's last kernels.
  for (const made of rooms.splice(0)) await (await made.kernels({ kernel: 'reference', threads: 1 })).shutdown()
})

const simd = { kernel: 'simd', threads: 1 } as const

describe('kernel room', () => {
  it('makes kernels once for the same request, and again for another', async () => {
    const { room: made, announced } = room()
    const first = await made.kernels(simd)
    expect(await made.kernels(simd)).toBe(first)
    expect(await made.kernels({ ...simd, threads: 2 })).not.toBe(first)
    expect(announced).toEqual(['simd 5x8 1', 'simd 5x8 2'])
  })

  it('makes kernels ahead of a job, and none beside those of a job that came first', async () => {
    const { room: made, announced } = room()
    const [ofJob] = await Promise.all([made.kernels(simd), made.warm({ kernel: 'reference', threads: 1 })])
    expect(announced).toEqual(['simd 5x8 1'])
    expect(await made.kernels(simd)).toBe(ofJob)
    const { room: other, announced: then } = room()
    await Promise.all([other.warm(simd), other.kernels(simd)])
    expect(then).toEqual(['simd 5x8 1'])
  })

  it('says what it cannot make, and goes on', async () => {
    const { room: made } = room()
    await expect(made.kernels({ ...simd, threads: 1e6 })).rejects.toMatchObject({ code: 'out-of-memory' })
    expect((await made.kernels(simd)).kernels.info.threads).toBe(1)
  })

  it('leaves a quarter of the machine to others, and says so in a sentence', async () => {
    const { kernels } = await room().room.kernels(simd)
    const { limitBytes } = kernels.memory
    expect(limitBytes).toBeLessThanOrEqual(Math.min(2 ** 32, 0.75 * totalmem()))
    expect(() => kernels.allocateBytes(limitBytes)).toThrow(/working memory, and the limit is \d+ MB/)
  })

  it('gives a large memory back after a rest, and keeps a small one', async () => {
    const { room: made } = room()
    const first = await made.kernels(simd)
    vi.useFakeTimers()
    made.rest()
    await vi.runAllTimersAsync()
    expect(await made.kernels(simd)).toBe(first)
    const mark = first.kernels.mark()
    first.kernels.allocateBytes(300 * 2 ** 20)
    first.kernels.release(mark)
    made.rest()
    const used = await made.kernels(simd)
    await vi.runAllTimersAsync()
    expect(used).toBe(first)
    made.rest()
    await vi.runAllTimersAsync()
    vi.useRealTimers()
    expect(await made.kernels(simd)).not.toBe(first)
  })
})
