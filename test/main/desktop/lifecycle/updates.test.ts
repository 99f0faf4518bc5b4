/** When updates are asked about, and when not. That electron-updater works inside the bundle was tried in a real Electron. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createUpdates } from '../../../../main/desktop/lifecycle/updates.ts'
import { sayIn } from '../../../../main/desktop/words.ts'
import { fake } from '../fake-electron.ts'

const { autoUpdater } = vi.hoisted(() => ({
  autoUpdater: { checkForUpdates: vi.fn(), downloadUpdate: vi.fn(), quitAndInstall: vi.fn() },
}))
vi.mock('electron/main', async () => (await import('../fake-electron.ts')).fake)
vi.mock('electron-updater', () => ({ default: { autoUpdater } }))

let folder: string
let running: number
const logged: string[] = []
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ghostsvd-updates-'))
  Object.assign(process, { resourcesPath: folder })
})
afterAll(() => rm(folder, { recursive: true, force: true }))
beforeEach(() => {
  running = 0
  logged.length = 0
  vi.clearAllMocks()
  autoUpdater.checkForUpdates.mockResolvedValue({ isUpdateAvailable: true, updateInfo: { version: '9.9.9' } })
})

const create = () =>
  createUpdates({
    log: (text) => logged.push(text),
    say: () => sayIn('en'),
    running: () => running,
    window: () => null,
  })
const said = () => fake.dialog.showMessageBox.mock.calls.map(([{ message }]) => message as string)
const answer = (...responses: number[]) => {
  for (const response of responses) fake.dialog.showMessageBox.mockResolvedValueOnce({ response })
}

it('asks nobody where the package names no server', async () => {
  const updates = create()
  expect(updates.configured).toBe(false)
  await updates.check(true)
  expect(autoUpdater.checkForUpdates).not.toHaveBeenCalled()
})

describe('with a server', () => {
  beforeAll(() => writeFile(join(folder, 'app-update.yml'), 'provider: generic\nurl: https://updates.example/\n'))

  it('asks nobody while a compression runs, and says so to whoever asked', async () => {
    running = 1
    await create().check(false)
    expect(said()).toEqual([])
    await create().check(true)
    expect(said()).toEqual(['A compression is running. Check for updates when it has ended.'])
    expect(autoUpdater.checkForUpdates).not.toHaveBeenCalled()
  })

  it('downloads and installs what was agreed to, each time', async () => {
    answer(0)
    await create().check(false)
    expect(autoUpdater.downloadUpdate).not.toHaveBeenCalled()
    answer(1, 0)
    await create().check(false)
    expect(autoUpdater.downloadUpdate).toHaveBeenCalledOnce()
    expect(autoUpdater.quitAndInstall).not.toHaveBeenCalled()
    answer(1, 1)
    await create().check(false)
    expect(autoUpdater.quitAndInstall).toHaveBeenCalledOnce()
    expect(autoUpdater).toMatchObject({ autoDownload: false, autoInstallOnAppQuit: false })
  })

  it('installs nothing over a compression that began meanwhile', async () => {
    answer(1)
    autoUpdater.downloadUpdate.mockImplementationOnce(async () => {
      running = 1
    })
    await create().check(false)
    expect(said()).toEqual(['GhostSVD 9.9.9 is available.'])
    expect(autoUpdater.quitAndInstall).not.toHaveBeenCalled()
  })

  it('is silent about failing and finding nothing, but to whoever asked', async () => {
    const outcomes = [() => Promise.resolve({ isUpdateAvailable: false }), () => Promise.reject(new Error('no route'))]
    for (const outcome of outcomes) {
      for (const asked of [false, true]) {
        autoUpdater.checkForUpdates.mockImplementationOnce(outcome)
        await create().check(asked)
      }
    }
    expect(said()).toEqual(['GhostSVD is up to date.', 'The update check failed.'])
    expect(logged).toHaveLength(2)
  })
})
