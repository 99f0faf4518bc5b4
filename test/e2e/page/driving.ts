/** What the browser tests do with the page, in the words of a user. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type Locator, type Page } from '@playwright/test'
import type { EngineInfo } from '../../../core/contract.ts'
import { answerOpen, dropFiles, saveDownload } from '../set-up/desktop.ts'
import { desktopOf } from '../set-up/doors.ts'
import { root } from '../set-up/serving.ts'

export const errorFigure = (page: Page) => page.getByTestId('relative-error')
export const rankHandle = (page: Page) => page.getByRole('slider', { name: 'Rank' })

/** Computing takes as long as a busy machine needs; how long is the benchmarks' matter. */
export const patience = { timeout: 40_000 }

/** Waits for a finished analysis and answers with the error as the page holds it, all digits. */
export async function readError(page: Page): Promise<number> {
  await expect(errorFigure(page)).toHaveAttribute('data-stale', 'false', patience)
  await expect(errorFigure(page)).toHaveAttribute('data-relative-error', /./, patience)
  await expect(page.locator('[data-engine]')).toHaveAttribute('data-engine', 'ready', patience)
  return Number(await errorFigure(page).getAttribute('data-relative-error'))
}

/** Flags that make the sample of the Start screen, bit for bit (main/host/sample.ts). */
export const sampleFlags = ['--layers', '1', '--hidden', '1024', '--seed', '42']

export async function openSample(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Try the sample' }).click()
  await readError(page)
}

/** Chooses files of this machine: in the page's own upload field, and in the application by the system's dialog. */
export async function upload(page: Page, ...files: string[]): Promise<void> {
  const desktop = desktopOf(page)
  if (desktop) {
    await answerOpen(desktop, ...files)
    return page.getByRole('button', { name: 'Open file…' }).click()
  }
  await page.getByTestId('upload').setInputFiles(files)
}

export async function chooseTensor(page: Page, name: string): Promise<void> {
  await page.getByRole('tab', { name: 'Tensor' }).click()
  await page.getByRole('textbox', { name: 'Search tensors' }).fill(name)
  await page.getByRole('treegrid', { name: 'Tensors' }).locator(`[data-tensor="${name}"]`).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(name)
}

/** What the engine has done, by its own account: jobs started, and where sketches came from. */
export async function engineCounters(page: Page): Promise<{ jobs: number; sketches: EngineInfo['sketches'] }> {
  await page.locator('[data-engine]').click()
  const jobs = page.getByTestId('jobs-started')
  await expect(jobs).toBeVisible()
  const counters = {
    jobs: Number(await jobs.textContent()),
    sketches: JSON.parse((await page.getByTestId('sketches').getAttribute('data-sketches'))!),
  }
  await page.keyboard.press('Escape')
  await expect(jobs).toBeHidden()
  return counters
}

export async function jobsStarted(page: Page): Promise<number> {
  return (await engineCounters(page)).jobs
}

/** Writes a number into one of the fields of the settings; the rarer ones are under Advanced. */
export async function setAdvanced(page: Page, label: string, value: number): Promise<void> {
  const control = page.getByRole('button', { name: 'Advanced' })
  if ((await control.getAttribute('aria-expanded')) !== 'true') await control.click()
  await page.getByRole('textbox', { name: label }).fill(String(value))
}

export async function chooseGoal(page: Page, goal: 'Rank' | 'Error' | 'Size' | 'Answers'): Promise<void> {
  await page.getByRole('radiogroup', { name: 'Goal' }).getByText(goal, { exact: true }).click()
}

/** Which side of the tensor the middle of the workbench shows. */
export async function chooseLens(page: Page, lens: 'Error' | 'Singular values' | 'Energy'): Promise<void> {
  await page.getByRole('radiogroup', { name: 'View of the tensor' }).getByText(lens, { exact: true }).click()
}

export async function choosePreset(page: Page, name: string): Promise<void> {
  // The radio button itself is hidden behind its label, as Mantine draws it.
  await page
    .getByRole('radiogroup', { name: 'Speed' })
    .getByText(new RegExp(`^${name}( \\(|$)`))
    .click()
}

/** Compares with the exact SVD; on a machine so busy that this would take more than seconds, the page asks first. */
export async function compareWithExact(page: Page): Promise<void> {
  const start = page.getByRole('dialog', { name: /^Exact SVD of/ }).getByRole('button', { name: 'Start' })
  await page.getByRole('button', { name: /^Compare with (exact|randomized)/ }).press('Enter')
  const answered = start.or(page.locator('[data-testid=job-status][data-job]')).or(page.getByTestId('excess'))
  await expect(answered.first()).toBeVisible()
  if (await start.isVisible()) await start.press('Enter')
}

/** The same question to the command line, answered as JSON. */
export function commandLine<Report>(...parameters: string[]): Report {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`${root}out/main/cli.js`, ...parameters, '--json'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (status !== 0) throw new Error(`ghostsvd ${parameters.join(' ')} ended with ${status}: ${stderr}`)
  return JSON.parse(stdout) as Report
}

/** Opens a file of the test's folder: in the page's file browser, and in the application by the system's dialog. */
export async function browse(page: Page, file: string): Promise<void> {
  const desktop = desktopOf(page)
  if (desktop) {
    await answerOpen(desktop, file)
    await page.getByRole('button', { name: 'Open file…' }).click()
    return
  }
  await page.getByRole('button', { name: 'Browse this server…' }).click()
  await page.getByRole('dialog').getByText(file, { exact: true }).click()
}

/** Drops a file of these bytes on the page, as a file manager would; the application wants one of the disk. */
export async function drop(page: Page, name: string, bytes: Uint8Array): Promise<void> {
  const desktop = desktopOf(page)
  if (desktop) {
    const dropped = join(desktop.folder, name)
    writeFileSync(dropped, bytes)
    return dropFiles(page, dropped)
  }
  const transfer = await page.evaluateHandle(
    ([fileName, content]) => {
      const data = new DataTransfer()
      data.items.add(new File([Uint8Array.from(content)], fileName))
      return data
    },
    [name, [...bytes]] as const,
  )
  await page.locator('.app').dispatchEvent('drop', { dataTransfer: transfer })
}

/** Makes the window this large. In the application its menu bar takes some of it from the page, as it does from its user's. */
export async function resize(page: Page, width: number, height: number): Promise<void> {
  const desktop = desktopOf(page)
  if (!desktop) return page.setViewportSize({ width, height })
  await desktop.application.evaluate(({ BrowserWindow }, [w, h]) => BrowserWindow.getAllWindows()[0]!.setSize(w, h), [
    width,
    height,
  ] as const)
  await expect.poll(() => page.evaluate(() => innerWidth)).toBe(width)
}

/** What an item of a menu saves. Behind the loopback host the browser asks nobody where; in the application the test answers. */
export function download(page: Page, item: string): Promise<{ name: string; bytes: Buffer }> {
  return downloadBy(page, () => page.getByRole('menuitem', { name: item }).click())
}

export async function downloadBy(page: Page, click: () => Promise<void>): Promise<{ name: string; bytes: Buffer }> {
  const desktop = desktopOf(page)
  if (desktop) return saveDownload(desktop, click)
  const [started] = await Promise.all([page.waitForEvent('download'), click()])
  return { name: started.suggestedFilename(), bytes: readFileSync(await started.path()) }
}

/** Goes there by keyboard alone: the next stop, until it is the one. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let i = 0; i < 80; i++) {
    if (await target.evaluate((element) => element === document.activeElement)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`no Tab leads to ${target}`)
}

export async function clipboardText(page: Page): Promise<string> {
  const desktop = desktopOf(page)
  if (desktop) return desktop.application.evaluate(({ clipboard }) => clipboard.readText())
  await page.context().grantPermissions(['clipboard-read'])
  return page.evaluate(() => navigator.clipboard.readText())
}

/** What the next load of the page says to its engine waits until it is released. Loopback: by its socket. */
export async function heldEngine(page: Page): Promise<() => void> {
  const waiting: (() => void)[] = []
  let held = true
  await page.routeWebSocket(/./, (socket) => {
    const server = socket.connectToServer()
    socket.onMessage((message) => {
      const toEngine = String(message).includes('"to":"engine"')
      if (held && toEngine) waiting.push(() => server.send(message))
      else server.send(message)
    })
  })
  return () => {
    held = false
    for (const send of waiting) send()
  }
}
