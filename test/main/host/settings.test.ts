import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { storedSettings } from '../../../main/host/settings.ts'
import { configFolder } from '../../../main/system/folders.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ghostsvd-settings-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const defaults = { theme: 'system', language: 'system' }

describe('settings', () => {
  it('are the defaults where nothing was saved, and make no folder by being read', async () => {
    expect(await storedSettings(join(folder, 'new')).read()).toEqual(defaults)
    expect(await readdir(folder)).toEqual([])
  })

  it('come back as they were saved', async () => {
    await storedSettings(join(folder, 'new')).update(() => ({ theme: 'dark', language: 'zh-CN' }))
    expect(await storedSettings(join(folder, 'new')).read()).toEqual({ theme: 'dark', language: 'zh-CN' })
  })

  it.each(['', '{', 'null', '[]', '{"theme":"purple"}', '{"theme":"dark","unknown":1}'])(
    'are the defaults where the file holds %j',
    async (text) => {
      await writeFile(join(folder, 'settings.json'), text)
      expect(await storedSettings(folder).read()).toEqual(defaults)
    },
  )

  it('lose nothing when two pages save at once', async () => {
    const stored = storedSettings(folder)
    await Promise.all([
      stored.update((settings) => ({ ...settings, theme: 'light' })),
      stored.update((settings) => ({ ...settings, language: 'en' })),
    ])
    expect(JSON.parse(await readFile(join(folder, 'settings.json'), 'utf8'))).toEqual({
      theme: 'light',
      language: 'en',
    })
    expect(await readdir(folder)).toEqual(['settings.json'])
  })
})

it('files that were being written when their process was killed go with the next change, and no others', async () => {
  const left = (name: string) => `${name}.0f7ac9b8-6b1e-4c3a-9f53-0d6bb0e7a111.partial`
  const names = [left('settings.json'), left('thesis.json'), 'settings.json.partial', left('recents.json')]
  for (const name of names) {
    await writeFile(join(folder, name), '{')
    await utimes(join(folder, name), 0, 0)
  }
  const begun = 'settings.json.1f7ac9b8-6b1e-4c3a-9f53-0d6bb0e7a111.partial'
  await writeFile(join(folder, begun), '{')
  await storedSettings(folder).update((settings) => ({ ...settings, theme: 'dark' }))
  expect((await readdir(folder)).sort()).toEqual([...names.slice(1), begun, 'settings.json'].sort())
})

describe('the folder for configuration', () => {
  it('is the one of the platform, or the one that was asked for', () => {
    expect(configFolder({ XDG_CONFIG_HOME: '/x' }, 'linux')).toBe(join('/x', 'ghostsvd'))
    expect(configFolder({}, 'linux')).toMatch(/[/\\]\.config[/\\]ghostsvd$/)
    expect(configFolder({}, 'darwin')).toMatch(/Library[/\\]Application Support[/\\]GhostSVD$/)
    expect(configFolder({ GHOSTSVD_CONFIG: '/y' }, 'linux')).toBe(resolve('/y'))
    // Empty and relative ones name no folder: the current one would be written into.
    for (const folder of ['', '.', 'here'])
      expect(configFolder({ XDG_CONFIG_HOME: folder }, 'linux')).toBe(configFolder({}, 'linux'))
  })
})
