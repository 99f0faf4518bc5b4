/**
 * What every browser test starts from: a page of a fresh host. `hostKind` says which host: the same specs run behind the loopback
 * host in Chromium and, where its runtime is there, in Electron.
 *
 * A test fails when its page broke its Content-Security-Policy or threw, whatever else it looked at.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as base, type ElectronApplication, _electron as electron, expect, type Page } from '@playwright/test'
import { electronRuntime } from './electron-runtime.ts'
import { root, type ServingProcess, serveProcess } from './serving.ts'

export { expect }

interface TestFixtures {
  /** A folder of this test alone. The loopback page sees it. */
  folder: string
  /** The loopback host; null in Electron. */
  server: ServingProcess | null
  /** The application; null behind the loopback host. */
  desktop: ElectronApplication | null
  /** What the page did against its policy, as `directive: blocked`. A test that provokes some empties the list. */
  violations: string[]
  /** Exceptions and console errors of the page. A test that provokes some empties the list. */
  faults: string[]
}
interface WorkerOptions {
  hostKind: 'loopback' | 'electron'
}

/** Collects what must not happen, from the first script of the page on. */
export async function watch(page: Page, violations: string[], faults: string[]): Promise<void> {
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

export const test = base.extend<TestFixtures, WorkerOptions>({
  hostKind: ['loopback', { scope: 'worker', option: true }],

  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads which fixtures a function wants from its pattern
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'ghostsvd-e2e-'))
    await use(folder)
    await rm(folder, { recursive: true, force: true })
  },

  server: async ({ hostKind, folder }, use) => {
    if (hostKind !== 'loopback') return use(null)
    const config = await mkdtemp(join(tmpdir(), 'ghostsvd-config-'))
    const server = await serveProcess([folder], config)
    await use(server)
    await server.stop()
    await rm(config, { recursive: true, force: true })
  },

  desktop: async ({ hostKind }, use) => {
    if (hostKind !== 'electron') return use(null)
    const config = await mkdtemp(join(tmpdir(), 'ghostsvd-config-'))
    const application = await electron.launch({
      executablePath: electronRuntime()!,
      args: [root],
      env: { ...(process.env as Record<string, string>), GHOSTSVD_CONFIG: config },
    })
    await use(application)
    await application.close()
    await rm(config, { recursive: true, force: true })
  },

  // biome-ignore lint/correctness/noEmptyPattern: see above
  violations: async ({}, use) => use([]),
  // biome-ignore lint/correctness/noEmptyPattern: see above
  faults: async ({}, use) => use([]),

  page: async ({ server, desktop, browser, contextOptions, violations, faults }, use) => {
    const context = desktop ? null : await browser.newContext(contextOptions)
    const page = desktop ? await desktop.firstWindow() : await context!.newPage()
    await watch(page, violations, faults)
    if (server) await page.goto(server.url)
    // The window had loaded before it could be watched: load it again, watched.
    else await page.reload()
    await use(page)
    expect(violations, 'the page broke its Content-Security-Policy').toEqual([])
    expect(faults, 'the page threw or logged an error').toEqual([])
    await context?.close()
  },
})
