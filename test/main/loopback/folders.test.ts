import { mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createGrants } from '../../../main/files/grants.ts'
import { namedFolders, realFolders } from '../../../main/loopback/folders.ts'

let top: string
let named: string
const grants = createGrants()

beforeEach(async () => {
  top = await realpath(await mkdtemp(join(tmpdir(), 'ghostsvd-folders-')))
  named = join(top, 'named')
  await mkdir(join(named, 'inner'), { recursive: true })
  await writeFile(join(named, 'a.safetensors'), 'bytes')
  await writeFile(join(named, 'notes.txt'), 'bytes')
  await writeFile(join(named, '.hidden.npy'), 'bytes')
  await writeFile(join(named, 'inner', 'b.npy'), 'bytes')
  await mkdir(join(top, 'elsewhere'))
  await mkdir(join(top, 'named-too'))
  await writeFile(join(top, 'elsewhere', 'secret.npy'), 'bytes')
})
afterEach(() => rm(top, { recursive: true, force: true }))

describe('listing', () => {
  it('shows the named folders first, then what is in one: folders, files, weights marked, hidden ones left out', async () => {
    const folders = namedFolders(await realFolders([named]), grants)
    const [root] = await folders.list(null)
    expect(root!.grant).toMatchObject({ name: 'named', kind: 'folder', byteLength: null })
    const entries = await folders.list(root!.grant.id)
    expect(entries.map(({ grant, weights }) => [grant.name, grant.kind, grant.byteLength, weights])).toEqual([
      ['inner', 'folder', null, false],
      ['a.safetensors', 'file', 5, true],
      ['notes.txt', 'file', 5, false],
    ])
    expect((await folders.list(entries[0]!.grant.id)).map(({ grant }) => grant.name)).toEqual(['b.npy'])
  })

  it('says of links that lead out how many, and which folder has both ends', async () => {
    const snapshot = join(top, 'models--org--name', 'snapshots', 'abc')
    await mkdir(snapshot, { recursive: true })
    await mkdir(join(top, 'models--org--name', 'blobs'))
    await writeFile(join(top, 'models--org--name', 'blobs', '1234'), 'bytes')
    await symlink('../../blobs/1234', join(snapshot, 'model.safetensors'))
    await symlink('nowhere', join(snapshot, 'broken'))
    const folders = namedFolders(await realFolders([snapshot]), grants)
    const [root] = await folders.list(null)
    expect(await folders.list(root!.grant.id)).toEqual([])
    expect(await folders.linksOut(root!.grant.id)).toEqual({ links: 1, serve: 'models--org--name' })
    const whole = namedFolders(await realFolders([join(top, 'models--org--name')]), grants)
    expect((await whole.list(root!.grant.id)).map(({ grant }) => grant.name)).toEqual(['model.safetensors'])
    expect(await whole.linksOut(root!.grant.id)).toBeNull()
  })

  it('offers every file that a reader takes', async () => {
    const names = [
      'a.nemo',
      'b.msgpack',
      'c.pt2',
      'd.pdparams',
      'e.llamafile',
      'f.ckpt.index',
      'g.safetensors.index.json',
    ]
    const folder = join(top, 'elsewhere')
    for (const name of [...names, 'config.json']) await writeFile(join(folder, name), 'bytes')
    const folders = await namedFolders([folder], grants)
    const [root] = await folders.list(null)
    const entries = await folders.list(root!.grant.id)
    expect(entries.filter(({ weights }) => weights).map(({ grant }) => grant.name)).toEqual([...names, 'secret.npy'])
  })

  it('names a folder twice only once', async () => {
    expect(await namedFolders(await realFolders([named, `${named}/.`]), grants).list(null)).toHaveLength(1)
  })

  it('says which of the named folders is none', async () => {
    await expect(realFolders([join(named, 'a.safetensors')])).rejects.toMatchObject({ code: 'not-found' })
    await expect(realFolders([join(top, 'nowhere')])).rejects.toMatchObject({ code: 'not-found' })
  })
})

describe('a folder that was written to', () => {
  it('is found again by the way down from the named one', async () => {
    const nested = join(named, 'inner')
    const folders = namedFolders(await realFolders([named]), grants)
    expect((await folders.trail(nested)).map(({ name, kind }) => [name, kind])).toEqual([
      ['named', 'folder'],
      ['inner', 'folder'],
    ])
    expect((await folders.trail(named)).map(({ name }) => name)).toEqual(['named'])
    const both = namedFolders(await realFolders([named, nested]), grants)
    expect((await both.trail(nested)).map(({ name }) => name)).toEqual(['inner'])
  })

  it('is not where it was, or out of sight: there is no way to it', async () => {
    const folders = namedFolders(await realFolders([named]), grants)
    await symlink(join(top, 'elsewhere'), join(named, 'link'))
    for (const path of [join(named, 'gone'), join(named, 'a.safetensors'), join(top, 'elsewhere'), join(named, 'link')])
      expect(await folders.trail(path), path).toEqual([])
  })

  it('takes no second file of a name', async () => {
    const folders = namedFolders(await realFolders([named]), grants)
    const { id } = (await folders.list(null))[0]!.grant
    for (const name of ['a.safetensors', 'inner', '.hidden.npy'])
      await expect(folders.createTarget(id, name)).rejects.toMatchObject({ code: 'would-overwrite' })
  })
})

describe('attacks', () => {
  it('does not list a symlink that escapes, to a file or to a folder', async () => {
    await symlink(join(top, 'elsewhere', 'secret.npy'), join(named, 'inner', 'file-link.npy'))
    await symlink(join(top, 'elsewhere'), join(named, 'inner', 'folder-link'))
    await symlink('../../elsewhere', join(named, 'inner', 'relative-link'))
    await symlink(join(named, 'a.safetensors'), join(named, 'inner', 'harmless-link.safetensors'))
    const folders = namedFolders(await realFolders([named]), grants)
    const inner = (await folders.list((await folders.list(null))[0]!.grant.id))[0]!
    expect((await folders.list(inner.grant.id)).map(({ grant }) => grant.name)).toEqual([
      'b.npy',
      'harmless-link.safetensors',
    ])
  })

  it('refuses a folder that was replaced by a symlink after it was listed', async () => {
    const folders = namedFolders(await realFolders([named]), grants)
    const inner = (await folders.list((await folders.list(null))[0]!.grant.id))[0]!
    await rename(join(named, 'inner'), join(top, 'moved'))
    await symlink(join(top, 'elsewhere'), join(named, 'inner'))
    await expect(folders.list(inner.grant.id)).rejects.toMatchObject({ code: 'not-found' })
    await expect(folders.createTarget(inner.grant.id, 'out.npy')).rejects.toMatchObject({ code: 'not-found' })
  })

  it('refuses ids that were never given out, and paths in their place', async () => {
    const folders = namedFolders(await realFolders([named]), grants)
    for (const id of ['', '/', '..', named, top, '__proto__'])
      await expect(folders.list(id)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('refuses a granted folder that is not a named one, also when its name begins alike', async () => {
    const folders = namedFolders(await realFolders([named]), grants)
    for (const path of [join(top, 'elsewhere'), join(top, 'named-too'), top]) {
      const { id } = await grants.grant(path)
      await expect(folders.list(id)).rejects.toMatchObject({ code: 'not-found' })
      await expect(folders.createTarget(id, 'out.npy')).rejects.toMatchObject({ code: 'not-found' })
    }
  })

  it('refuses a target whose name leaves the folder', async () => {
    const folders = namedFolders(await realFolders([named]), grants)
    const { id } = (await folders.list(null))[0]!.grant
    for (const name of ['', '.', '..', '../out.npy', '/tmp/out.npy', 'a/../../out.npy', 'a\\b.npy', 'a\0.npy'])
      await expect(folders.createTarget(id, name)).rejects.toMatchObject({ code: 'bad-request' })
    expect(await folders.createTarget(id, 'out.npy')).toMatchObject({ name: 'out.npy', kind: 'target' })
  })

  it('refuses a target that is a symlink, dangling or not', async () => {
    await symlink(join(top, 'elsewhere', 'secret.npy'), join(named, 'link.npy'))
    await symlink(join(top, 'elsewhere', 'new.npy'), join(named, 'dangling.npy'))
    const folders = namedFolders(await realFolders([named]), grants)
    const { id } = (await folders.list(null))[0]!.grant
    for (const name of ['link.npy', 'dangling.npy'])
      await expect(folders.createTarget(id, name)).rejects.toMatchObject({ code: 'would-overwrite' })
  })
})
