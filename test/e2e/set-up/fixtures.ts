/**
 * What every browser test starts from: a page of a fresh host. `hostKind` says which host: the same specs run behind the loopback
 * host in Chromium and in Electron.
 *
 * A test fails when its page broke its Content-Security-Policy or threw, whatever else it looked at.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as base, expect, type Page } from '@playwright/test'
import { type Desktop, desktopEngines, startDesktop } from './desktop.ts'
import { openDisplay } from './display.ts'
import { enterThrough } from './doors.ts'
import { type ServingProcess, serveProcess, servingEngines } from './serving.ts'

export { expect }

/** For a test of what the application has not: several pages, lists of folders, a window of any size. */
export const loopbackOnly = { tag: '@loopback' }

interface TestFixtures {
  /** A folder of this test alone. The loopback page sees it. */
  folder: string
  /** Settings and history of this test's host alone. */
  config: string
  /** The loopback host; null in Electron. */
  server: ServingProcess | null
  /** The application; null behind the loopback host. */
  desktop: Desktop | null
  /** The processes of the host's engines, now. */
  engines: () => Promise<number[]>
  /** What the page did against its policy, as `directive: blocked`. A test that provokes some empties the list. */
  violations: string[]
  /** Exceptions and console errors of the page. A test that provokes some empties the list. */
  faults: string[]
}
interface WorkerFixtures {
  /** As DISPLAY names it: the machine's own, or one of this worker alone. */
  display: string
}
interface WorkerOptions {
  hostKind: 'loopback' | 'electron'
}

/** Collects what must not happen, from the first script of the page on. */
async function watch(page: Page, violations: string[], faults: string[]): Promise<void> {
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text())
  })
  await page.exposeFunction('reportViolation', (violation: string) => void violations.push(violation))
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => {
      const { reportViolation } = window as unknown as { reportViolation(violation: string): void }
      reportViolation(`${effectiveDirective}: ${blockedURI}`)
    })
  })
}

async function inFolder(prefix: string, use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), prefix))
  await use(folder)
  await rm(folder, { recursive: true, force: true })
}

export const test = base.extend<TestFixtures, WorkerFixtures & WorkerOptions>({
  hostKind: ['loopback', { scope: 'worker', option: true }],

  display: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads which fixtures a function wants from its pattern
    async ({}, use) => {
      const display = await openDisplay()
      await use(display.name)
      await display.close()
    },
    { scope: 'worker' },
  ],

  // biome-ignore lint/correctness/noEmptyPattern: see above
  folder: ({}, use) => inFolder('ghostsvd-e2e-', use),
  // biome-ignore lint/correctness/noEmptyPattern: see above
  config: ({}, use) => inFolder('ghostsvd-config-', use),

  server: async ({ hostKind, folder, config }, use) => {
    if (hostKind !== 'loopback') return use(null)
    const server = await serveProcess([folder], config)
    await use(server)
    await server.stop()
  },

  desktop: async ({ hostKind, folder, config, locale, display }, use) => {
    if (hostKind !== 'electron') return use(null)
    const desktop = await startDesktop({ folder, config, display, ...(locale ? { locale } : {}) })
    await use(desktop)
    await desktop.application.close()
  },

  engines: async ({ server, desktop }, use) =>
    use(async () => (desktop ? desktopEngines(desktop) : servingEngines(server!))),

  // biome-ignore lint/correctness/noEmptyPattern: see above
  violations: async ({}, use) => use([]),
  // biome-ignore lint/correctness/noEmptyPattern: see above
  faults: async ({}, use) => use([]),

  page: async ({ server, desktop, browser, contextOptions, violations, faults }, use) => {
    const context = desktop ? null : await browser.newContext(contextOptions)
    const page = desktop ? await desktop.application.firstWindow() : await context!.newPage()
    if (desktop) enterThrough(page, desktop)
    await watch(page, violations, faults)
    if (server) await page.goto(server.url)
    else {
      // The window had begun to load before it could be watched: load it again, watched.
      await page.waitForLoadState()
      await page.reload()
    }
    await use(page)
    expect(violations, 'the page broke its Content-Security-Policy').toEqual([])
    expect(faults, 'the page threw or logged an error').toEqual([])
    await context?.close()
  },
})
