/** Browser tests: the built page against the real engine, behind the loopback host in Chromium and in the desktop application. */
import { defineConfig, type Project } from '@playwright/test'
import { canShowWindows } from './test/e2e/set-up/display.ts'
import { electronRuntime } from './test/e2e/set-up/electron-runtime.ts'
import { findBrowser } from './test/e2e/set-up/find-program.ts'

const browser = findBrowser()
const loopback: Project = {
  name: 'loopback',
  testIgnore: '**/desktop/*.spec.ts',
  use: {
    hostKind: 'loopback',
    viewport: { width: 1280, height: 800 },
  } as Project['use'] & object,
}
const lacking = electronRuntime() ? (canShowWindows() ? null : 'a display, or Xvfb') : "Electron's runtime"
// Workers read this file too; the notice is said once.
if (lacking && process.env.TEST_WORKER_INDEX === undefined)
  console.log(`The desktop application is not tested: this machine lacks ${lacking} ("npm run pretest" says more).`)

const electron = (name: string, specs: Pick<Project, 'testMatch' | 'testIgnore'>): Project => ({
  name,
  ...(lacking ? { testIgnore: '**' } : specs),
  grepInvert: /@loopback/,
  use: { hostKind: 'electron' } as Project['use'] & object,
})
/** What Electron does in its own way: files, dialogs, processes. */
const desktopSpecs = [
  '**/desktop/*.spec.ts',
  '**/host/policy.spec.ts',
  '**/page/{adapters,answers,compress,faults,runs}.spec.ts',
]
/** What only another host does. */
const otherSpecs = ['**/kernels/*.spec.ts', '**/host/{start,package}.spec.ts']

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
  // Without traces, which cost a fifth of all the time: `npx playwright test --trace retain-on-failure FILE` has one where it is wanted.
  use: {
    screenshot: 'only-on-failure',
    launchOptions: browser ? { executablePath: browser } : {},
  },
  projects: [
    loopback,
    electron('electron', { testMatch: desktopSpecs }),
    // The rest of the page, which is the same in every host: `npm run e2e:electron`.
    electron('electron-page', { testIgnore: [...desktopSpecs, ...otherSpecs] }),
  ],
})
