import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, sep } from 'node:path'
import { describe, expect, it } from 'vitest'
import { removePartial } from '../../../main/files/outputs.ts'
import { can } from '../../system.ts'
import { temporaryFolder } from '../engine/harness.ts'
import { leaveLock } from '../left-over.ts'
import { mounted } from './mounted.ts'
import { fill, folderAt } from './output-folders.ts'

describe('an output of several files', () => {
  it("shows nothing under the folder's name until all is there", async () => {
    const path = temporaryFolder()
    const inner = await folderAt(path).subfolder('adapter', 6)
    await fill(inner, 'weights', 'config')
    expect(readdirSync(path)).toEqual(['adapter.partial'])
    await inner.finish()
    await inner.abort()
    expect(readdirSync(path)).toEqual(['adapter'])
    expect(readdirSync(join(path, 'adapter'))).toEqual(['config', 'weights'])
  })

  it('leaves nothing when aborted, finished files included', async () => {
    const path = temporaryFolder()
    const inner = await folderAt(path).subfolder('adapter', 6)
    await fill(inner, 'weights')
    await inner.abort()
    await inner.abort()
    expect(readdirSync(path)).toEqual([])
  })

  it('replaces the partial folder that a dead process left, and takes an empty folder', async () => {
    const path = temporaryFolder()
    mkdirSync(join(path, 'adapter.partial'))
    mkdirSync(join(path, 'adapter'))
    writeFileSync(join(path, 'adapter.partial', 'old'), 'left over')
    await leaveLock(join(path, 'adapter'))
    const folder = folderAt(path)
    await folder.hold('adapter')
    const inner = await folder.subfolder('adapter', 6)
    await fill(inner, 'weights')
    await inner.finish()
    expect(readdirSync(join(path, 'adapter'))).toEqual(['weights'])
  })

  it.runIf(can.link)('goes where a link leads, and the link stays', async () => {
    const path = temporaryFolder()
    mkdirSync(join(path, 'there'))
    symlinkSync('there', join(path, 'adapter'))
    const inner = await folderAt(path).subfolder('adapter', 6)
    await fill(inner, 'weights')
    await inner.finish()
    expect(lstatSync(join(path, 'adapter')).isSymbolicLink()).toBe(true)
    expect([readdirSync(path), readdirSync(join(path, 'there'))]).toEqual([['adapter', 'there'], ['weights']])
  })

  it.each([['-t', 'tmpfs', 'tmpfs'], ['--bind']])('is refused at once where %s is mounted', async (...how) => {
    const path = temporaryFolder()
    const disk = mounted(...(how[0] === '--bind' ? [...how, path] : how))
    if (disk === null) return
    const name = basename(disk)
    await expect(folderAt(dirname(disk)).subfolder(name, 6)).rejects.toMatchObject({
      code: 'cannot-write',
      message: expect.stringContaining('is another disk'),
    })
    symlinkSync(disk, join(path, 'adapter'))
    if (how[0] !== '--bind') await expect(folderAt(path).subfolder('adapter', 6)).rejects.toThrow('is another disk')
    expect(readdirSync(dirname(disk)).filter((each) => each.startsWith(`${name}.`))).toEqual([])
  })

  it("leaves a folder of the user's that lies under the name of one of its files", async () => {
    const path = temporaryFolder()
    mkdirSync(join(path, 'adapter', 'config'), { recursive: true })
    writeFileSync(join(path, 'adapter', 'config', 'thesis'), 'precious')
    const inner = await folderAt(path, { overwrite: true }).subfolder('adapter', 6)
    await fill(inner, 'weights')
    await expect(fill(inner, 'config')).rejects.toMatchObject({ code: 'cannot-write' })
    await expect(inner.finish()).resolves.toBeUndefined()
    expect(readFileSync(join(path, 'adapter', 'config', 'thesis'), 'utf8')).toBe('precious')
    // One that came while the last file was written.
    const later = await folderAt(path, { overwrite: true }).subfolder('adapter', 6)
    await fill(later, 'other')
    mkdirSync(join(path, 'adapter', 'other'))
    await expect(later.finish()).rejects.toMatchObject({ code: 'cannot-write' })
    expect(readdirSync(join(path, 'adapter')).sort()).toEqual(['config', 'other', 'weights'])
  })

  it('is suspended and resumed with its finished files, which may be written again', async () => {
    const path = temporaryFolder()
    const folder = folderAt(path)
    expect(await folder.resumeSubfolder('adapter')).toBeNull()
    const first = await folder.subfolder('adapter', 6)
    await fill(first, 'weights')
    await (await first.create('config', 3)).suspend()
    await first.suspend()
    await first.abort()
    expect(readdirSync(join(path, 'adapter.partial'))).toEqual(['config.partial', 'weights'])
    const second = (await folder.resumeSubfolder('adapter'))!
    expect(await second.list()).toContain('weights')
    const config = (await second.resume('config', 3))!
    expect(config.byteLength).toBe(0)
    await config.suspend()
    await fill(second, 'weights', 'config')
    await second.finish()
    expect(readdirSync(path)).toEqual(['adapter'])
    const finished = folder.inside('adapter')
    expect(await finished.list()).toEqual(['config', 'weights'])
    const weights = await finished.open('weights')
    expect(weights.byteLength).toBe(3)
    await weights.close()
    await expect(folder.inside('missing').open('weights')).rejects.toMatchObject({ code: 'not-found' })
  })

  it('is discarded like a file', async () => {
    const path = temporaryFolder()
    const folder = folderAt(path)
    await (await folder.subfolder('adapter', 3)).suspend()
    await (await folder.create('file', 3)).suspend()
    for (const name of ['adapter', 'file', 'nothing']) await folder.discard(name)
    expect(readdirSync(path)).toEqual([])
    await expect(folder.discard('../escape')).rejects.toMatchObject({ code: 'bad-file' })
  })

  it('refuses a folder that has files; where it may overwrite it leaves other files alone', async () => {
    const path = temporaryFolder()
    mkdirSync(join(path, 'adapter'))
    writeFileSync(join(path, 'adapter', 'mine'), 'x')
    writeFileSync(join(path, 'adapter', 'weights'), 'old')
    await expect(folderAt(path).subfolder('adapter', 6)).rejects.toMatchObject({ code: 'would-overwrite' })
    const inner = await folderAt(path, { overwrite: true }).subfolder('adapter', 6)
    await fill(inner, 'weights')
    expect(readFileSync(join(path, 'adapter', 'weights'), 'utf8')).toBe('old')
    await inner.finish()
    expect(readdirSync(path)).toEqual(['adapter'])
    expect(readdirSync(join(path, 'adapter'))).toEqual(['mine', 'weights'])
    expect(readFileSync(join(path, 'adapter', 'weights'))).toHaveLength(3)
  })

  describe('that was cut short while it took the place of another', () => {
    /** As it lies there when the first of two files has been moved aside and replaced. */
    async function cutShort() {
      const path = temporaryFolder()
      for (const folder of ['adapter', 'adapter.partial', 'adapter.partial/.replaced']) mkdirSync(join(path, folder))
      for (const [name, content] of Object.entries({
        'adapter/config': 'old',
        'adapter/mine': 'mine',
        'adapter.partial/config': 'new',
        'adapter.partial/.replaced/weights': 'old',
      }))
        writeFileSync(join(path, name), content)
      await leaveLock(join(path, 'adapter'))
      const folder = folderAt(path, { overwrite: true })
      await folder.hold('adapter')
      const contents = () =>
        readdirSync(join(path, 'adapter')).map((name) => [name, readFileSync(join(path, 'adapter', name), 'utf8')])
      return { path, folder, contents }
    }
    const before = [
      ['config', 'old'],
      ['mine', 'mine'],
      ['weights', 'old'],
    ]

    it('leaves what was there before when it is discarded, by whoever', async () => {
      const { folder, contents } = await cutShort()
      await folder.discard('adapter')
      expect(contents()).toEqual(before)
      const other = await cutShort()
      await removePartial(join(other.path, 'adapter.partial') + sep)
      expect(other.contents()).toEqual(before)
      const again = await cutShort()
      await (await again.folder.subfolder('adapter', 3)).abort()
      expect(again.contents()).toEqual(before)
    })

    it('is finished when it is resumed, and nothing of before is left beside it', async () => {
      const { path, folder, contents } = await cutShort()
      const inner = (await folder.resumeSubfolder('adapter'))!
      await fill(inner, 'weights')
      await inner.finish()
      expect(contents().map(([name]) => name)).toEqual(['config', 'mine', 'weights'])
      expect(contents()[0]).toEqual(['config', 'new'])
      expect(readdirSync(path).filter((name) => name.startsWith('adapter.partial/'))).toEqual([])
    })
  })

  it.runIf(can.link)('is never the folder of the source, reached by a link either', async () => {
    const path = temporaryFolder()
    mkdirSync(join(path, 'model'))
    writeFileSync(join(path, 'model', 'weights'), 'precious')
    symlinkSync(join(path, 'model'), join(path, 'link'))
    const folder = folderAt(path, { overwrite: true, sources: [join(path, 'model', 'weights')] })
    for (const name of ['model', 'link'])
      await expect(folder.subfolder(name, 6)).rejects.toThrow(/folder of the source/)
  })

  it('is announced as a folder, so that whoever survives can remove it whole', async () => {
    const path = temporaryFolder()
    const told: string[] = []
    const folder = folderAt(path, { onPartial: async (partial, exists) => void (exists && told.push(partial)) })
    await fill(await folder.subfolder('adapter', 6), 'weights')
    expect(told[0]).toBe(join(path, 'adapter.partial') + sep)
    for (const partial of told.reverse()) await removePartial(partial)
    expect(readdirSync(path)).toEqual([])
  })

  it.each(['..', '.', 'a/b', ''])('cannot leave the folder by the name %j', async (name) => {
    await expect(folderAt(temporaryFolder()).subfolder(name, 6)).rejects.toMatchObject({ code: 'bad-file' })
  })
})
