import { readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { lockPath } from '../../../main/files/hold.ts'
import { outputFolder } from '../../../main/files/outputs.ts'
import type { ProcessIdentity } from '../../../main/system/process-identity.ts'
import { can } from '../../system.ts'
import { temporaryFolder } from '../engine/harness.ts'

const bytes = (length: number, value = 7) => new Uint8Array(length).fill(value)
const folderAt = (path: string) => outputFolder(path, { overwrite: false, sources: [] })

/** The same lock, as if its process were another. */
function lockedBy(path: string, changes: Partial<ProcessIdentity>): void {
  const lock = JSON.parse(readFileSync(lockPath(join(path, 'out')), 'utf8')) as { process: ProcessIdentity }
  writeFileSync(lockPath(join(path, 'out')), JSON.stringify({ ...lock, process: { ...lock.process, ...changes } }))
}

describe('a name', () => {
  it('is held by one run at a time, and nothing is left of that', async () => {
    const path = temporaryFolder()
    const hold = await folderAt(path).hold('out')
    await expect(folderAt(path).hold('out')).rejects.toMatchObject({
      code: 'would-overwrite',
      message: 'out is being written by another run. Wait for it, or choose another name.',
    })
    await folderAt(path)
      .hold('other')
      .then(({ release }) => release())
    await hold.release()
    expect(readdirSync(path)).toEqual([])
    await (await folderAt(path).hold('out')).release()
    expect(readdirSync(path)).toEqual([])
  })

  it.runIf(can.removeOpenFiles)(
    'is free again when its process has ended, and what that left is resumed in place',
    async () => {
      const path = temporaryFolder()
      const dead = folderAt(path)
      await dead.hold('out')
      await (await dead.create('out', 60)).write(bytes(60))
      lockedBy(path, { started: 'an earlier process' })
      const folder = folderAt(path)
      const hold = await folder.hold('out')
      const sink = (await folder.resume('out', 60))!
      expect(sink.byteLength).toBe(60)
      await sink.close()
      await hold.release()
      expect(readdirSync(path)).toEqual(['out'])
    },
  )

  it.each([
    ['is empty', () => ''],
    ['was cut short', (text: string) => text.slice(0, 9)],
  ])('is free where its lock %s', async (_, damage) => {
    const path = temporaryFolder()
    const lock = lockPath(join(path, 'out'))
    await folderAt(path).hold('out')
    writeFileSync(lock, damage(readFileSync(lock, 'utf8')))
    await (await folderAt(path).hold('out')).release()
    expect(readdirSync(path)).toEqual([])
  })

  it('stays held where somebody removed its lock', async () => {
    const path = temporaryFolder()
    const folder = folderAt(path)
    const hold = await folder.hold('out')
    rmSync(lockPath(join(path, 'out')))
    const sink = await folder.create('out', 1)
    await sink.sync()
    expect(readdirSync(path)).toEqual(['out.partial', 'out.partial.lock'])
    await sink.close()
    await hold.release()
    expect(readdirSync(path)).toEqual(['out'])
  })
})

it.skipIf(!can.link)('a link that leads nowhere, in place of its lock, ends a run', async () => {
  const path = temporaryFolder()
  const folder = folderAt(path)
  const hold = await folder.hold('out')
  const sink = await folder.create('out', 1)
  rmSync(lockPath(join(path, 'out')))
  symlinkSync('nowhere', lockPath(join(path, 'out')))
  await expect(sink.sync()).rejects.toMatchObject({ code: 'cannot-write' })
  await sink.abort()
  await hold.release()
})

describe('two runs that cannot ask after each other, on machines that share a folder', () => {
  async function both() {
    const path = temporaryFolder()
    const earlier = folderAt(path)
    const first = await earlier.hold('out')
    const started = await earlier.create('out', 100)
    await started.write(bytes(60, 1))
    await started.sync()
    lockedBy(path, { host: 'another machine' })
    const later = folderAt(path)
    const second = await later.hold('out')
    const resumed = (await later.resume('out', 100))!
    return { path, earlier, first, started, later, second, resumed }
  }

  it.runIf(can.replaceOpenFiles)(
    'write into files of their own: the later one has the name, the earlier one is told',
    async () => {
      const { path, earlier, first, started, second, resumed } = await both()
      // Each may cut and write as it likes.
      await resumed.truncate(50)
      await resumed.write(bytes(10, 2))
      await started.truncate(20)
      await started.write(bytes(70, 3))
      await resumed.write(bytes(40, 2))
      const replaced = /^out is being written by another run, which replaced this one's file\.$/
      await expect(started.sync()).rejects.toThrow(replaced)
      await expect(started.close()).rejects.toThrow(replaced)
      await expect(earlier.create('out', 1)).rejects.toThrow(replaced)
      await expect(earlier.discard('out')).rejects.toThrow(replaced)
      await started.abort()
      await first.release()
      await resumed.close()
      await second.release()
      expect(readdirSync(path)).toEqual(['out'])
      expect([...readFileSync(join(path, 'out'))]).toEqual([...bytes(50, 1), ...bytes(50, 2)])
    },
  )

  it.runIf(can.replaceOpenFiles)('stay apart when the later one is killed and resumed where it was', async () => {
    const { path, started } = await both()
    lockedBy(path, { started: 'an earlier process' })
    const third = folderAt(path)
    const hold = await third.hold('out')
    const sink = (await third.resume('out', 60))!
    await started.truncate(0)
    await sink.close()
    await hold.release()
    expect([...readFileSync(join(path, 'out'))]).toEqual([...bytes(60, 1)])
  })

  // The one that was killed lives in this process, its file open.
  it.runIf(can.replaceOpenFiles)('leave no copy where one of them was killed while it made one', async () => {
    const path = temporaryFolder()
    const dead = folderAt(path)
    await dead.hold('out')
    await (await dead.create('out', 60)).write(bytes(60))
    lockedBy(path, { host: 'another machine' })
    const copy = 'out.partial.0f7ac9b8-6b1e-4c3a-9f53-0d6bb0e7a111.copy'
    writeFileSync(join(path, copy), bytes(60))
    writeFileSync(join(path, 'out.partial.thesis.copy'), 'precious')
    const folder = folderAt(path)
    const hold = await folder.hold('out')
    await (await folder.resume('out', 60))!.close()
    await hold.release()
    expect(readdirSync(path).sort()).toEqual(['out', 'out.partial.thesis.copy'])
  })

  it('leave a folder of several files to the later one', async () => {
    const path = temporaryFolder()
    const earlier = folderAt(path)
    await earlier.hold('out')
    const inner = await earlier.subfolder('out', 100)
    lockedBy(path, { host: 'another machine' })
    const later = folderAt(path)
    const second = await later.hold('out')
    const resumed = (await later.resumeSubfolder('out'))!
    await inner.abort()
    await expect(inner.finish()).rejects.toThrow(/another run/)
    const sink = await resumed.create('one', 3)
    await sink.write(bytes(3))
    await sink.close()
    await resumed.finish()
    await second.release()
    expect(readdirSync(path)).toEqual(['out'])
    expect(readdirSync(join(path, 'out'))).toEqual(['one'])
  })
})
