/** The application as it opens: one window that shows the page, in the user's language and colors, and ends when it is closed. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDesktop } from '../set-up/desktop.ts'
import { expect, test } from '../set-up/fixtures.ts'

test('the window shows the page, isolated from everything else, and its engine answers', async ({ page, desktop }) => {
  expect(page.url()).toBe('app://ghostsvd/')
  await expect(page).toHaveTitle('GhostSVD')
  await expect(page.getByRole('button', { name: 'Try the sample' })).toBeVisible()
  await expect(page.locator('[data-engine]')).toHaveAttribute('data-engine', 'ready')
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
  expect(await page.evaluate(() => document.cookie)).toBe('')
  const windows = await desktop!.application.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows().map((window) => ({ visible: window.isVisible(), title: window.getTitle() })),
  )
  expect(windows).toEqual([{ visible: true, title: 'GhostSVD' }])
})

test('the page is given two functions, and nothing of node or Electron', async ({ page }) => {
  const found = await page.evaluate(() => ({
    bridge: Object.entries(window.ghostsvd!).map(([name, value]) => `${name}: ${typeof value}`),
    // A class of Electron's would lead to its own constructor, and that to main's world.
    frozen: Object.isFrozen(window.ghostsvd),
    globals: ['require', 'process', 'module', 'exports', 'Buffer', 'global', 'electron', 'ipcRenderer'].filter(
      (name) => name in window,
    ),
  }))
  expect(found).toEqual({ bridge: ['connect: function', 'grantFiles: function'], frozen: true, globals: [] })
})

test.describe('in Chinese', () => {
  test.use({ locale: 'zh-CN' })

  test('so are the page and the menu', async ({ page, desktop }) => {
    await expect(page.locator('html')).toHaveAttribute('lang', 'zh-CN')
    await expect(page.getByRole('button', { name: '试用示例' })).toBeVisible()
    const menu = await desktop!.application.evaluate(({ Menu }) =>
      Menu.getApplicationMenu()!.items.map(({ label }) => label),
    )
    expect(menu.filter((label) => !/\p{Script=Han}/u.test(label))).toEqual([])
  })
})

test('a dark theme that was chosen is there from the first moment, in the page and in the system’s frame', async ({
  folder,
  config,
  display,
}) => {
  writeFileSync(join(config, 'settings.json'), JSON.stringify({ theme: 'dark', language: 'en' }))
  const { application } = await startDesktop({ folder, config, display })
  const page = await application.firstWindow()
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark')
  const seen = await application.evaluate(({ BrowserWindow, nativeTheme }) => ({
    dark: nativeTheme.shouldUseDarkColors,
    background: BrowserWindow.getAllWindows()[0]!.getBackgroundColor().toLowerCase(),
  }))
  expect(seen).toEqual({ dark: true, background: '#1a1b1e' })
  await application.close()
})

test('a reload before the page has loaded is no fault', async ({ folder, config, display }) => {
  const { application } = await startDesktop({ folder, config, display })
  const boxes = await application.evaluateHandle(async ({ BrowserWindow, dialog }) => {
    const shown: string[] = []
    dialog.showErrorBox = (title) => void shown.push(title)
    dialog.showMessageBox = async (...parameters: unknown[]) => {
      shown.push((parameters.at(-1) as { message: string }).message)
      return { response: 0, checkboxChecked: false }
    }
    const contents = () => BrowserWindow.getAllWindows()[0]?.webContents
    while (!contents()?.getURL()) await new Promise((resolve) => setImmediate(resolve))
    contents()!.reload()
    return shown
  })
  const page = await application.firstWindow()
  await expect(page.locator('[data-engine]')).toHaveAttribute('data-engine', 'ready')
  expect(await boxes.jsonValue()).toEqual([])
  await application.close()
})

test('closing the window ends the application, also before its page has loaded', async ({
  folder,
  config,
  display,
}) => {
  for (const wait of [false, true]) {
    const { application } = await startDesktop({ folder, config, display })
    const page = await application.firstWindow()
    if (wait) await expect(page.locator('[data-engine]')).toHaveAttribute('data-engine', 'ready')
    const ended = new Promise((resolve) => application.process().once('exit', resolve))
    await application.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.close())
    expect(await ended).toBe(0)
  }
})

test('its processes and their memory, printed', async ({ page, desktop }) => {
  await expect(page.locator('[data-engine]')).toHaveAttribute('data-engine', 'ready')
  const metrics = await desktop!.application.evaluate(({ app }) => app.getAppMetrics())
  for (const { type, name, memory } of metrics)
    console.log(`${(name ?? type).padEnd(20)} ${(memory.workingSetSize / 1024).toFixed(0).padStart(5)} MB`)
  expect(metrics.map(({ type }) => type)).toEqual(expect.arrayContaining(['Browser', 'Tab', 'Utility']))
})
