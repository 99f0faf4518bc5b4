/** Browser tests: the built page against the real engine, behind the loopback host and, where its runtime is there, in Electron. */
import { defineConfig, type Project } from '@playwright/test'
import { electronRuntime } from './test/e2e/set-up/electron-runtime.ts'
import { findBrowser } from './test/e2e/set-up/find-browser.ts'

const browser = findBrowser()
const loopback: Project = {
  name: 'loopback',
  use: {
    hostKind: 'loopback',
    viewport: { width: 1280, height: 800 },
    // Absent only before the global set-up has installed one: each worker reads this file again.
    launchOptions: browser ? { executablePath: browser } : {},
  } as Project['use'] & object,
}
const desktop: Project = { name: 'electron', use: { hostKind: 'electron' } as Project['use'] & object }

const runtime = electronRuntime()
// Workers read this file too; the notice is said once.
if (!runtime && process.env.TEST_WORKER_INDEX === undefined)
  console.log(
    'The project "electron" is skipped: there is no runtime in node_modules/electron/dist or ELECTRON_OVERRIDE_DIST_PATH.',
  )

export default defineConfig({
  testDir: 'test/e2e',
  testMatch: '**/*.spec.ts',
  globalSetup: './test/e2e/set-up/global-set-up.ts',
  outputDir: 'test-results',
  // Each test has an engine with a thread for every core: two at a time keep the machine busy, more only wait for each other.
  workers: 2,
  fullyParallel: true,
  forbidOnly: true,
  retries: 0,
  // What a test waits for is bounded where it waits; this ends one that hangs, on a machine as busy as it may be.
  timeout: 180_000,
  // Playwright's 5 s are for a page that has the machine to itself; here two engines compute beside it on what may be two cores.
  expect: { timeout: 15_000 },
  reporter: [['list']],
  use: { trace: 'retain-on-failure' },
  projects: runtime ? [loopback, desktop] : [loopback],
})
