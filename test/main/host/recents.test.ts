import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createGrants } from '../../../main/files/grants.ts'
import { createRecents } from '../../../main/host/recents.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ghostsvd-recents-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function file(name: string): Promise<string> {
  await writeFile(join(folder, name), 'bytes')
  return join(folder, name)
}

describe('recents', () => {
  it('are empty at first, then newest first, each once, and survive the host', async () => {
    const grants = createGrants()
    const recents = createRecents(folder, grants)
    expect(await recents.list()).toEqual([])
    const a = await grants.grant(await file('a.npy'))
    const b = await grants.grant(await file('b.npy'))
    for (const { id } of [a, b, a]) await recents.remember(id)
    expect(await recents.list()).toEqual([a, b])
    const names = (await createRecents(folder, createGrants()).list()).map(({ name }) => name)
    expect(names).toEqual(['a.npy', 'b.npy'])
  })

  it('know where was written last, besides', async () => {
    const grants = createGrants()
    const recents = createRecents(folder, grants)
    expect(await recents.outputFolder()).toBeNull()
    await recents.rememberOutput(grants.target(join(folder, 'out', 'x.safetensors')).id)
    await recents.remember((await grants.grant(await file('a.npy'))).id)
    const again = createRecents(folder, createGrants())
    expect(await again.outputFolder()).toBe(join(folder, 'out'))
    expect(await again.list()).toHaveLength(1)
  })

  it('offer eight files at most, and none that is gone or out of sight', async () => {
    const grants = createGrants()
    const recents = createRecents(folder, grants, { visible: async (path) => !path.endsWith('hidden.npy') })
    for (let index = 0; index < 10; index++) await recents.remember((await grants.grant(await file(`${index}.npy`))).id)
    await recents.remember((await grants.grant(await file('hidden.npy'))).id)
    await rm(join(folder, '9.npy'))
    expect((await recents.list()).map(({ name }) => name)).toEqual(
      [8, 7, 6, 5, 4, 3, 2, 1].map((index) => `${index}.npy`),
    )
  })

  it('offer what was dropped, in its turn, until the host ends', async () => {
    const grants = createGrants()
    const options = {
      visible: async (path: string) => !path.endsWith('drop.npy'),
      passing: (path: string) => path.endsWith('drop.npy'),
    }
    const recents = createRecents(folder, grants, options)
    for (const name of ['a.npy', 'drop.npy', 'b.npy']) await recents.remember((await grants.grant(await file(name))).id)
    expect((await recents.list()).map(({ name }) => name)).toEqual(['b.npy', 'drop.npy', 'a.npy'])
    const later = await createRecents(folder, createGrants(), options).list()
    expect(later.map(({ name }) => name)).toEqual(['b.npy', 'a.npy'])
  })

  it('refuse an id that was never given out', async () => {
    await expect(createRecents(folder, createGrants()).remember('x')).rejects.toMatchObject({ code: 'not-found' })
  })
})
