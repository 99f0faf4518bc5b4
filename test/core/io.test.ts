import { describe, expect, it } from 'vitest'
import { discard } from '../../core/io.ts'
import { memoryFolder } from './memory-folder.ts'

describe('memoryFolder', () => {
  it('shows a file only once it is closed, and reads back what was written before', async () => {
    const folder = memoryFolder('out')
    const sink = await folder.create('a', 4)
    await sink.write(Uint8Array.of(1, 2, 3))
    await sink.write(Uint8Array.of(4))
    await sink.overwrite(1, Uint8Array.of(9))
    expect(await sink.read(0, 4)).toEqual(Uint8Array.of(1, 9, 3, 4))
    expect(await folder.list()).toEqual([])
    await sink.close()
    expect(folder.files.get('a')).toEqual(Uint8Array.of(1, 9, 3, 4))
    await expect(folder.open('b')).rejects.toMatchObject({ code: 'not-found' })
  })

  it('resumes what was suspended, cut back to where it is known to be good', async () => {
    const folder = memoryFolder('out')
    const first = await folder.create('a', 4)
    await first.write(Uint8Array.of(1, 2, 3))
    await first.suspend()
    const second = (await folder.resume('a', 3))!
    expect(second.byteLength).toBe(3)
    await second.truncate(2)
    await second.write(Uint8Array.of(7))
    await second.close()
    expect(folder.files.get('a')).toEqual(Uint8Array.of(1, 2, 7))
    expect(await folder.resume('a', 3)).toBeNull()
  })

  it('forgets what was aborted', async () => {
    const folder = memoryFolder('out')
    const sink = await folder.create('a', 1)
    await sink.write(Uint8Array.of(1))
    await sink.sync()
    await sink.abort()
    expect(folder.partials.size + folder.files.size).toBe(0)
  })
})

describe('discard', () => {
  it('takes the buffer away from every view, and leaves shared memory alone', () => {
    const bytes = new Uint8Array(new ArrayBuffer(16), 4, 8)
    const values = new Float32Array(bytes.buffer)
    discard(bytes)
    expect([bytes.byteLength, values.length]).toEqual([0, 0])
    const shared = new Uint8Array(new SharedArrayBuffer(16))
    discard(shared)
    expect(shared.byteLength).toBe(16)
  })
})
