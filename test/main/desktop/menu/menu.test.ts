import { describe, expect, it } from 'vitest'
import type { PageAction } from '../../../../core/contract.ts'
import { menuTemplate } from '../../../../main/desktop/menu/menu.ts'
import { sayIn } from '../../../../main/desktop/words.ts'

type Item = ReturnType<typeof menuTemplate>[number]
const done: unknown[] = []
const note = (what: string) => () => void done.push(what)
const actions = {
  act: (action: PageAction) => void done.push(action.do),
  clearRecents: note('clear'),
  openExternal: (url: string) => void done.push(url),
  showAbout: note('about'),
  showLicenses: note('licenses'),
  showRuntimeLicenses: note('runtime licenses'),
  showLogs: note('logs'),
  checkForUpdates: note('updates'),
}
const recents = [{ id: '1', name: 'a&b.npy', kind: 'file', byteLength: 1 }] as const

function items(platform: NodeJS.Platform, language: 'en' | 'zh-CN' = 'en', more = {}): Item[] {
  const state = { platform, say: sayIn(language), recents, updates: true, runtimeLicenses: true, ...more }
  const flat = (item: Item): Item[] => [item, ...((item.submenu as Item[] | undefined) ?? []).flatMap(flat)]
  return menuTemplate(state, actions).flatMap(flat)
}

describe.each(['linux', 'win32', 'darwin'] as const)('the menu on %s', (platform) => {
  it('opens, closes and ends by the keys people know, none of them twice', () => {
    const keys = items(platform).flatMap(({ accelerator }) => (accelerator ? [String(accelerator)] : []))
    expect(keys).toEqual(
      expect.arrayContaining(['CmdOrCtrl+O', 'CmdOrCtrl+Shift+O', 'CmdOrCtrl+W', 'CmdOrCtrl+Shift+W']),
    )
    expect(new Set(keys).size).toBe(keys.length)
    expect(items(platform).filter(({ role }) => role === 'quit')).toHaveLength(1)
  })

  it('is labelled in the language throughout', () => {
    for (const { label, type, role } of items(platform, 'zh-CN')) {
      if (type === 'separator' || role === 'appMenu') continue
      if (label !== 'a&&b.npy') expect(label).toMatch(/\p{Script=Han}/u)
    }
  })

  it('says what it does and does what it says', () => {
    done.length = 0
    for (const { click } of items(platform)) (click as (() => void) | undefined)?.()
    for (const what of [
      'open-file',
      'open-folder',
      'open',
      'close-file',
      'show-settings',
      'clear',
      'about',
      'licenses',
      'logs',
      'updates',
    ])
      expect(
        done.filter((one) => one === what),
        what,
      ).toHaveLength(1)
  })
})

it('offers no updates where none are configured, and no recent files where there are none', () => {
  const labels = items('linux', 'en', { updates: false, recents: [] }).filter(({ enabled }) => enabled !== false)
  expect(labels.map(({ label }) => label)).not.toContain('Check for Updates…')
  expect(labels.map(({ label }) => label)).not.toContain('Open Recent')
})
