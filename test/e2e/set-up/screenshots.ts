/** `npm run screenshots`: the pictures of the README, from the built page with its real engine. Run `npm run build` before. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Page } from '@playwright/test'
import { browse, chooseLens, openSample, readError } from '../page/driving.ts'
import { cancelRun, compress, finishSome, openIn, saved } from '../page/running.ts'
import { findBrowser } from './find-program.ts'
import { root, serveProcess } from './serving.ts'

const images = join(root, 'docs/images')
const sizes = { large: { width: 1280, height: 800 }, small: { width: 960, height: 640 } } as const

const folder = await mkdtemp(join(tmpdir(), 'ghostsvd-screenshots-'))
await mkdir(images, { recursive: true })
const server = await serveProcess([folder], join(folder, 'config'))
const executablePath = findBrowser()
const browser = await chromium.launch(executablePath ? { executablePath } : {})

async function open(colorScheme: 'light' | 'dark', size: keyof typeof sizes): Promise<Page> {
  const page = await browser.newPage({ viewport: sizes[size], colorScheme, reducedMotion: 'reduce' })
  // Others may use the machine.
  page.setDefaultTimeout(300_000)
  await page.goto(server.url)
  await page.locator('[data-engine="ready"]').waitFor()
  return page
}
async function picture(page: Page, name: string): Promise<void> {
  // Away from the chart: no tooltip, no hovered row.
  await page.mouse.move(0, 0)
  await page.screenshot({ path: join(images, `${name}.png`), animations: 'disabled' })
  console.log(`docs/images/${name}.png`)
}

const start = await open('light', 'large')
await picture(start, 'start-light')
await start.close()

for (const [scheme, size] of [
  ['light', 'large'],
  ['dark', 'large'],
  ['dark', 'small'],
] as const) {
  const page = await open(scheme, size)
  await openSample(page)
  await page.getByRole('button', { name: 'Compare with exact' }).click()
  await page.getByRole('button', { name: 'Compare with exact' }).waitFor({ state: 'detached' })
  await readError(page)
  await picture(page, `workbench-${scheme}${size === 'small' ? '-small' : ''}`)
  if (scheme === 'light') {
    await chooseLens(page, 'Singular values')
    await picture(page, 'singular-values-light')
    await page.getByRole('tab', { name: 'A/B' }).click()
    await page.getByRole('button', { name: 'Run 5 times' }).click()
    await page.getByTestId('ab-verdict').waitFor()
    await picture(page, 'ab-light')
  }
  await page.close()
}

// A run at work in the strip, then the history with one run of each kind.
const running = await open('light', 'large')
await openIn(folder, running, 12, 512)
await compress(running, 'kept-for-later.safetensors')
await finishSome(running)
await cancelRun(running, 'Keep for later')
await running.getByRole('button', { name: 'Dismiss' }).click()
await compress(running)
await finishSome(running)
await picture(running, 'run-light')
await saved(running)
await running.getByRole('button', { name: 'History', exact: true }).click()
await picture(running, 'history-light')
await running.close()

// The same model as a map, under a size goal.
for (const [scheme, size] of [
  ['light', 'large'],
  ['dark', 'small'],
] as const) {
  const page = await open(scheme, size)
  await browse(page, 'model.safetensors')
  await readError(page)
  await page.getByRole('tab', { name: 'Model' }).click()
  await page.getByRole('radiogroup', { name: 'Goal' }).getByText('Size', { exact: true }).click()
  await page.locator('[data-testid=file-bytes][data-exact=true]').waitFor()
  await page.getByTestId('trade-off-wait').waitFor({ state: 'hidden' })
  await page.locator('[data-engine="ready"]').waitFor()
  await picture(page, `map-${scheme}${size === 'small' ? '-small' : ''}`)
  await page.close()
}

await browser.close()
await server.stop()
await rm(folder, { recursive: true, force: true })
