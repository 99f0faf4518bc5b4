import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { lockPath } from '../../../main/files/hold.ts'
import { can } from '../../system.ts'
import { temporaryFolder } from '../engine/harness.ts'
import { leaveLock } from '../left-over.ts'
import { bytes, folderAt } from './output-folders.ts'

describe('sink', () => {
  it('shows nothing under the name until it is closed, then all of it', async () => {
    const path = temporaryFolder()
    const sink = await folderAt(path).create('out', 100)
    await sink.write(bytes(60))
    await sink.write(bytes(40, 8))
    await sink.overwrite(0, bytes(10, 9))
    expect(await sink.read(5, 15)).toEqual(Uint8Array.from([...bytes(5, 9), ...bytes(5)]))
    expect(sink.byteLength).toBe(100)
    expect(readdirSync(path)).toEqual(['out.partial'])
    await sink.close()
    expect(readdirSync(path)).toEqual(['out'])
    expect([...readFileSync(join(path, 'out'))]).toEqual([...bytes(10, 9), ...bytes(50), ...bytes(40, 8)])
    await sink.abort()
    expect(readdirSync(path)).toEqual(['out'])
  })

  it('leaves nothing when aborted, however often', async () => {
    const path = temporaryFolder()
    const sink = await folderAt(path).create('out', 100)
    await sink.write(bytes(60))
    await sink.abort()
    await sink.abort()
    expect(readdirSync(path)).toEqual([])
  })

  it('is suspended, resumed, cut and finished', async () => {
    const path = temporaryFolder()
    const folder = folderAt(path)
    expect(await folder.resume('out', 15)).toBeNull()
    const first = await folder.create('out', 100)
    await first.write(bytes(60))
    await first.suspend()
    const second = (await folder.resume('out', 15))!
    expect(second.byteLength).toBe(60)
    await second.truncate(10)
    await second.write(bytes(5, 1))
    await second.close()
    expect([...readFileSync(join(path, 'out'))]).toEqual([...bytes(10), ...bytes(5, 1)])
  })

  it('replaces the partial file that a dead process left', async () => {
    const path = temporaryFolder()
    writeFileSync(join(path, 'out.partial'), 'left over')
    await leaveLock(join(path, 'out'))
    const folder = folderAt(path)
    const hold = await folder.hold('out')
    const sink = await folder.create('out', 3)
    await sink.write(bytes(3))
    await sink.close()
    await hold.release()
    expect(readdirSync(path)).toEqual(['out'])
    expect(readFileSync(join(path, 'out'))).toHaveLength(3)
  })

  it.each(['create', 'subfolder'] as const)(
    'leaves alone what another run begins at the same moment: %s',
    async (how) => {
      const path = temporaryFolder()
      const told: boolean[] = []
      const onPartial = async (partial: string, exists: boolean) => {
        told.push(exists)
        if (!exists) return
        if (how === 'create') writeFileSync(partial, 'of another run')
        else mkdirSync(partial)
      }
      await expect(folderAt(path, { onPartial })[how]('out', 3)).rejects.toMatchObject({
        code: 'would-overwrite',
        message: 'out is being written by another run. Wait for it, or choose another name.',
      })
      // Nobody removes it in this run's name.
      expect(told).toEqual([true, false])
      expect(readdirSync(path)).toEqual(['out.partial'])
    },
  )

  it.runIf(can.removeOpenFiles)(
    'is superseded by a later run that writes the same name, and does not touch its file',
    async () => {
      const path = temporaryFolder()
      const [folder, other] = [folderAt(path), folderAt(path)]
      await folder.hold('out')
      const earlier = await folder.create('out', 3)
      writeFileSync(
        lockPath(join(path, 'out')),
        readFileSync(lockPath(join(path, 'out')), 'utf8').replace(
          /"started":"?[^,"}]*"?/,
          '"started":"an earlier process"',
        ),
      )
      await other.hold('out')
      const later = await other.create('out', 3)
      await later.write(bytes(3, 2))
      await expect(earlier.close()).rejects.toThrow(/another run/)
      await earlier.abort()
      await later.close()
      expect([...readFileSync(join(path, 'out'))]).toEqual([2, 2, 2])
    },
  )

  it('tells of its partial file before it exists and after it is gone', async () => {
    const path = temporaryFolder()
    const told: unknown[] = []
    const folder = folderAt(path, {
      onPartial: async (partial, exists) => void told.push([partial, exists, readdirSync(path).length]),
    })
    await (await folder.create('a', 0)).close()
    await (await folder.create('b', 0)).abort()
    expect(told).toEqual([
      [join(path, 'a.partial'), true, 0],
      [join(path, 'a.partial'), false, 1],
      [join(path, 'b.partial'), true, 1],
      [join(path, 'b.partial'), false, 1],
    ])
  })
})
