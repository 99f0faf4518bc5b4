/** What goes wrong becomes a sentence in its place, and the session goes on. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { desktopOf } from '../set-up/doors.ts'
import { expect, loopbackOnly, test } from '../set-up/fixtures.ts'
import { serveProcess } from '../set-up/serving.ts'
import {
  browse,
  chooseGoal,
  choosePreset,
  clipboardText,
  drop,
  heldEngine,
  openSample,
  patience,
  readError,
  resize,
  setAdvanced,
} from './driving.ts'
import { writeNoise } from './files.ts'

const text = (content: string) => Buffer.from(content, 'latin1')
/** A safetensors file with this header, claiming to be this long. */
function safetensors(header: string, length = header.length, data = 0): Buffer {
  const prefix = Buffer.alloc(8)
  prefix.writeBigUInt64LE(BigInt(length))
  return Buffer.concat([prefix, text(header), Buffer.alloc(data)])
}

const badFiles: readonly (readonly [what: string, name: string, bytes: Buffer])[] = [
  ['an empty file', 'empty.safetensors', Buffer.alloc(0)],
  ['a header longer than the file', 'long.safetensors', safetensors('{}', 2 ** 40)],
  ['a header that is no JSON', 'torn.safetensors', safetensors('{"w": ')],
  [
    'offsets beyond the end',
    'outside.safetensors',
    safetensors('{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}', undefined, 8),
  ],
  [
    'tensors that overlap',
    'overlap.safetensors',
    safetensors(
      '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}',
      undefined,
      12,
    ),
  ],
  [
    'a shape that does not fit its bytes',
    'shape.safetensors',
    safetensors('{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}', undefined, 8),
  ],
  [
    'an unknown dtype',
    'dtype.safetensors',
    safetensors('{"w":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}', undefined, 4),
  ],
  [
    'an array that ends early',
    'short.npy',
    text("\x93NUMPY\x01\x00\x46\x00{'descr': '<f4', 'fortran_order': False, 'shape': (64, 64), }         \n"),
  ],
  [
    'an array of objects',
    'object.npy',
    text("\x93NUMPY\x01\x00\x46\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }              \n"),
  ],
  ['a pickle that calls os.system', 'attack.pt', text("\x80\x02cposix\nsystem\n(S'touch /tmp/ghostsvd-was-here'\ntR.")],
  ['a zip that ends early', 'torn.pt', text('PK\x03\x04\x14\x00\x00\x00')],
  ['a text file', 'notes.txt', text('These are not weights.')],
  ['a picture', 'cat.safetensors', text('\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR')],
]

test('every bad file dropped on the page is a sentence, and the next file opens', async ({ page }) => {
  await expect(page.locator('[data-engine]')).toHaveAttribute('data-engine', 'ready')
  for (const [what, name, bytes] of badFiles) {
    await drop(page, name, bytes)
    const alert = page.getByRole('alert')
    // The name tells this sentence from the one before.
    await expect(alert, what).toContainText(name)
    await expect(alert, what).not.toHaveAttribute('data-code', 'bug')
    expect(await alert.textContent(), what).not.toMatch(/\bat .+:\d+:\d+|undefined|\[object|TypeError/)
  }
  expect(existsSync('/tmp/ghostsvd-was-here')).toBe(false)
  await openSample(page)
})

test.describe('in Chinese', () => {
  test.use({ locale: 'zh-CN' })

  test('so is every bad file, with what to do about it', async ({ page }) => {
    await expect(page.locator('[data-engine]')).toHaveAttribute('data-engine', 'ready')
    for (const [what, name, bytes] of badFiles) {
      await drop(page, name, bytes)
      const alert = page.getByRole('alert')
      await expect(alert, what).toContainText(name)
      expect(await alert.textContent(), what).toMatch(/请|。/)
    }
  })
})

test('opening another file can be thought better of, and what was dropped is among the recent files', async ({
  page,
  folder,
}) => {
  writeNoise(join(folder, 'noise.npy'), 256)
  await expect(page.locator('[data-engine]')).toHaveAttribute('data-engine', 'ready')
  await drop(page, 'dropped.npy', readFileSync(join(folder, 'noise.npy')))
  const error = await readError(page)
  const name = page.locator('.file-name')
  await page.getByRole('button', { name: 'Open another file' }).click()
  await page.getByRole('button', { name: 'Back to dropped.npy' }).click()
  await expect(name).toHaveText('dropped.npy')
  // As it was left.
  expect(await readError(page)).toBe(error)
  await page.getByRole('button', { name: 'Open another file' }).click()
  // One that cannot be opened does not take the way back.
  await drop(page, 'notes.txt', text('These are not weights.'))
  await expect(page.getByRole('alert')).toContainText('notes.txt holds text, not weights.')
  await expect(page.getByRole('button', { name: 'Back to dropped.npy' })).toBeVisible()
  await browse(page, 'noise.npy')
  await expect(name).toHaveText('noise.npy')
  await page.getByRole('button', { name: 'Open another file' }).click()
  const recent = page.getByRole('region', { name: 'Recent' }).getByRole('button')
  await expect(recent).toHaveText([/^noise\.npy/, /^dropped\.npy/])
  await recent.last().click()
  await expect(name).toHaveText('dropped.npy')
})

test('an engine killed during a job is a message, and the page works on', async ({ page, folder, engines, faults }) => {
  writeNoise(join(folder, 'noise.npy'), 4096)
  await browse(page, 'noise.npy')
  await choosePreset(page, 'Exact')
  await expect(page.getByTestId('job-status')).toHaveAttribute('data-job', /./, patience)
  for (const pid of await engines()) process.kill(pid, 'SIGKILL')
  await expect(page.getByTestId('engine-died')).toContainText(
    'A new one is running and your file is open again',
    patience,
  )
  await expect(page.getByTestId('engine-died')).toContainText('SIGKILL')
  await expect(page.getByRole('button', { name: 'Try again' })).toBeVisible()
  await choosePreset(page, 'Fast')
  await readError(page)
  await page.getByTestId('engine-died').getByRole('button', { name: 'Close' }).click()
  expect(faults).toEqual([])
})

test('an engine killed during an analysis is said once', async ({ page, engines }) => {
  await openSample(page)
  await chooseGoal(page, 'Size')
  await expect(page.getByRole('button', { name: 'Cancel' })).toBeVisible()
  for (const pid of await engines()) process.kill(pid, 'SIGKILL')
  await expect(page.getByTestId('engine-died')).toContainText('What was being computed is lost', patience)
  const outcome = page.getByTestId('outcome')
  await expect(outcome).toContainText('Model error not known')
  await expect(outcome.getByRole('alert')).toHaveCount(0)
  await expect(page.getByText('The engine was killed (SIGKILL).')).toHaveCount(1)
  await outcome.getByRole('button', { name: /^Analyze/ }).click()
  await expect(page.getByTestId('file-bytes')).toHaveAttribute('data-exact', 'true', patience)
})

test('a file that is gone is offered to be opened again, not to be read again', async ({ page, folder }) => {
  const file = join(folder, 'noise.npy')
  writeNoise(file, 256)
  await browse(page, 'noise.npy')
  await readError(page)
  rmSync(file)
  await setAdvanced(page, 'Seed', 7)
  const box = page.getByRole('alert')
  await expect(box).toContainText('was removed or renamed while it was read. Open it again.', patience)
  await expect(box.getByRole('button', { name: 'Try again' })).toBeHidden()
  // Whole and above the fold in the smallest window too.
  await resize(page, 960, 640)
  await expect(box).toBeInViewport({ ratio: 1 })
  await resize(page, 1280, 800)
  writeNoise(file, 256)
  await box.getByRole('button', { name: 'Open it again' }).click()
  await readError(page)
  await expect(box).toBeHidden()
})

test('a reload during a job comes back to the file and computes again', async ({ page, folder }) => {
  writeNoise(join(folder, 'noise.npy'), 2048)
  await browse(page, 'noise.npy')
  await choosePreset(page, 'Exact')
  await expect(page.getByTestId('job-status')).toHaveAttribute('data-job', /./, patience)
  // From the first picture on it says what it opens, and that one may stay; the page of the application has no socket to hold up.
  const release = desktopOf(page) ? null : await heldEngine(page)
  await page.reload()
  if (release) {
    await expect(page.getByRole('status').filter({ hasText: 'Opening noise.npy again' })).toBeVisible()
    await expect(page.getByRole('button', { name: 'Stay here instead' })).toBeEnabled()
    release()
  }
  await readError(page)
  await expect(page.locator('.file-name')).toHaveText('noise.npy')
})

test(
  'two pages at once have an engine each and do not disturb each other',
  loopbackOnly,
  async ({ page, server, engines }) => {
    await openSample(page)
    const other = await page.context().newPage()
    await other.goto(server!.url)
    await openSample(other)
    await choosePreset(other, 'Exact')
    const [first, second] = await Promise.all([readError(page), readError(other)])
    expect(second).toBeLessThan(first)
    expect(await engines()).toHaveLength(2)
    await other.close()
    await choosePreset(page, 'Fast')
    await readError(page)
  },
)

test('a job that was cancelled says so and can be asked for again', async ({ page, folder }) => {
  writeNoise(join(folder, 'noise.npy'), 3072)
  await browse(page, 'noise.npy')
  await readError(page)
  await choosePreset(page, 'Exact')
  const status = page.getByTestId('job-status')
  await expect(status).toHaveAttribute('data-job', /./, patience)
  await status.getByRole('button', { name: 'Cancel' }).click()
  await expect(status).toContainText('Not analyzed with these parameters.')
  await choosePreset(page, 'Fast')
  await readError(page)
})

test(
  'a page whose host is gone says so, and asks for the new link once another one answers there',
  loopbackOnly,
  async ({ browser, folder }) => {
    const host = await serveProcess([folder], join(folder, 'config'))
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(host.url)
    await openSample(page)
    await readError(page)
    await page.keyboard.press('Control+Enter')
    const dialog = page.getByRole('dialog')
    const compress = dialog.getByRole('button', { name: /^(Compress|Write anyway)$/ })
    await expect(compress).toBeEnabled()
    // It hears nothing any more, and does not answer.
    host.process.kill('SIGSTOP')
    await compress.click()
    host.process.kill('SIGKILL')
    await expect(page.getByText('The connection to GhostSVD was lost. Trying again')).toBeVisible()
    await expect(dialog.getByRole('alert')).toHaveText(
      /The connection was lost.*Whether a run began is in History once it is back\./,
    )
    await page.keyboard.press('Escape')
    await host.stop()
    const again = await serveProcess([folder], join(folder, 'config'), Number(new URL(host.url).port))
    await expect(page.getByTestId('refused')).toContainText('Open the link it printed in the terminal.', patience)
    await expect(page.getByText('Trying again')).toHaveCount(0)
    await page.goto(again.url)
    await expect(page.locator('[data-engine="ready"]')).toBeVisible()
    await expect(page.getByTestId('refused')).toHaveCount(0)
    await context.close()
    await again.stop()
  },
)

test(
  'what was waited for when the connection broke off is waited for again, and comes once it is back',
  loopbackOnly,
  async ({ page, folder, faults }) => {
    writeNoise(join(folder, 'noise.npy'), 64)
    let answering = false
    const breakOff: (() => Promise<void>)[] = []
    await page.routeWebSocket('**/socket', (socket) => {
      const host = socket.connectToServer()
      socket.onMessage((message) => {
        if (answering || !String(message).includes(`"m":"listFolder"`)) host.send(message)
      })
      breakOff.push(() => socket.close())
    })
    await page.reload()
    await page.getByRole('button', { name: 'Browse this server…' }).click()
    const dialog = page.getByRole('dialog')
    await expect(dialog.getByRole('status', { name: 'Reading the folder' })).toBeVisible()
    await breakOff[0]!()
    await expect(page.getByText('The connection to GhostSVD was lost. Trying again')).toBeVisible()
    await expect(dialog.getByRole('alert')).toHaveCount(0)
    answering = true
    await dialog.getByText('noise.npy', { exact: true }).click()
    await readError(page)
    expect(breakOff.length).toBeGreaterThan(1)
    // Chromium's own line on how the page asks whether it is still admitted.
    expect(faults.splice(0)).toEqual([expect.stringContaining('426')])
  },
)

test(
  'a host that hangs is said to be lost, and what was waited for comes once it goes on',
  loopbackOnly,
  async ({ browser, folder }) => {
    test.slow()
    writeNoise(join(folder, 'noise.npy'), 64)
    const host = await serveProcess([folder], join(folder, 'config'))
    const page = await browser.newPage()
    await page.goto(host.url)
    await openSample(page)
    await readError(page)
    await page.getByRole('button', { name: 'Open another file' }).click()
    await page.getByRole('button', { name: 'Browse this server…' }).click()
    const file = page.getByRole('dialog').getByText('noise.npy', { exact: true })
    await expect(file).toBeVisible()
    host.process.kill('SIGSTOP')
    await file.click()
    await expect(page.getByText('The connection to GhostSVD was lost. Trying again')).toBeVisible({ timeout: 60_000 })
    host.process.kill('SIGCONT')
    await expect(page.getByText('Trying again')).toHaveCount(0, patience)
    await expect(page.locator('[data-engine="ready"]')).toBeVisible(patience)
    if (!(await file.isVisible())) await page.getByRole('button', { name: 'Browse this server…' }).click()
    await file.click()
    await readError(page)
    await page.close()
    await host.stop()
  },
)

test('a part of the page that fails is a sentence, and loaded again the page has what was chosen', async ({
  page,
  faults,
}) => {
  await openSample(page)
  await page.getByRole('textbox', { name: 'Rank', exact: true }).fill('24')
  await page.evaluate(() => {
    CanvasRenderingContext2D.prototype.fillRect = () => {
      throw new Error('planted')
    }
  })
  await page.getByRole('tab', { name: 'Model' }).click()
  const fault = page.getByTestId('fault')
  await expect(fault).toContainText('What you chose is kept')
  await expect(fault.getByRole('alert')).toContainText('planted')
  await expect(page.getByRole('banner')).toContainText('sample')
  await fault.getByRole('button', { name: 'Copy the details' }).click()
  expect(await clipboardText(page)).toMatch(/^GhostSVD \d.*workbench[\s\S]*planted/)
  await fault.getByRole('button', { name: 'Load the page again' }).click()
  await expect(page.getByRole('tab', { name: 'Model' })).toHaveAttribute('aria-selected', 'true', patience)
  await expect(page.getByRole('textbox', { name: 'Rank', exact: true })).toHaveValue('24')
  faults.length = 0
})
