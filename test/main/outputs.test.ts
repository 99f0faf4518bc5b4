import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { outputFolder } from '../../main/outputs.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outputs-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const out = (overwrite = false) => outputFolder(folder, { overwrite, sources: [] })

describe('an output of several files', () => {
  it('lies in a folder of its own', async () => {
    const inner = await out().subfolder('adapter')
    const sink = await inner.create('weights', 3)
    await sink.write(Uint8Array.of(1, 2, 3))
    await sink.close()
    expect(await readdir(join(folder, 'adapter'))).toEqual(['weights'])
  })

  it('leaves no empty folder when its first file is aborted', async () => {
    const inner = await out().subfolder('adapter')
    const sink = await inner.create('weights', 3)
    await sink.abort()
    expect(await readdir(folder)).toEqual([])
  })

  it('refuses a folder that has files, unless it may overwrite', async () => {
    await mkdir(join(folder, 'adapter'))
    await writeFile(join(folder, 'adapter', 'mine'), 'x')
    await expect(out().subfolder('adapter')).rejects.toMatchObject({ code: 'would-overwrite' })
    const sink = await (await out(true).subfolder('adapter')).create('weights', 1)
    await sink.abort()
    expect(await readdir(join(folder, 'adapter'))).toEqual(['mine'])
  })

  it('cannot leave the folder', async () => {
    for (const name of ['..', '.', 'a/b', '']) await expect(out().subfolder(name)).rejects.toThrow()
  })
})
