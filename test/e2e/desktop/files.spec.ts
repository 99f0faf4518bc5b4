/** Every way in which a user or the system hands the application a file, with the command line as the judge of what it then shows. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import type { AnalysisReport } from '../../../core/contract.ts'
import { browse, chooseTensor, commandLine, readError } from '../page/driving.ts'
import { writeNoise } from '../page/files.ts'
import { answerOpen, answerSave, desktopEnvironment, dropFiles, startDesktop } from '../set-up/desktop.ts'
import { electronRuntime } from '../set-up/electron-runtime.ts'
import { expect, test } from '../set-up/fixtures.ts'

const tensor = 'model.layers.0.mlp.up_proj.weight'

/** A sample in the folder. */
function makeSample(folder: string): string {
  const file = join(folder, 'model.safetensors')
  commandLine('sample', file, '--layers', '1', '--hidden', '256')
  return file
}
const shows = (page: Page, name: string) => expect(page.locator('.file-name')).toHaveText(name, { timeout: 40_000 })

test('from the system’s dialog: the numbers are those of the command line', async ({ page, folder }) => {
  const file = makeSample(folder)
  await browse(page, 'model.safetensors')
  await chooseTensor(page, tensor)
  const report = commandLine<AnalysisReport>('analyze', file, '--tensor', tensor)
  expect(await readError(page)).toBeCloseTo(report.relativeError, 9)
  // Whatever is said of the machine is said of the program that runs, not of the node inside it.
  await expect(page.getByTestId('job-status')).not.toContainText(/\bNode \d+\.\d/)
})

test('a dialog that is cancelled leaves everything as it was', async ({ page, desktop, folder }) => {
  await answerOpen(desktop!)
  await page.getByRole('button', { name: 'Open file…' }).click()
  await expect(page.getByRole('button', { name: 'Open file…' })).toBeEnabled()
  makeSample(folder)
  await browse(page, 'model.safetensors')
  await readError(page)
  await answerSave(desktop!, null)
  await page.keyboard.press('Control+Enter')
  const start = page.getByRole('dialog').getByRole('button', { name: /^(Compress|Write anyway)$/ })
  await start.click()
  await expect(start).toBeEnabled()
  await expect(page.getByTestId('run')).toHaveCount(0)
})

test('from the system’s dialog for folders: a model of several files', async ({ page, desktop, folder }) => {
  makeSample(folder)
  await answerOpen(desktop!, '.')
  await page.getByRole('button', { name: 'Open folder…' }).click()
  await readError(page)
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(/^model\./)
})

test('dropped: by the path that the file has, so that it is among the recent files after a restart', async ({
  page,
  folder,
  desktop,
  config,
  display,
}) => {
  writeNoise(join(folder, 'noise.npy'), 64)
  await dropFiles(page, join(folder, 'noise.npy'))
  await shows(page, 'noise.npy')
  await readError(page)
  await desktop!.application.close()
  const { application } = await startDesktop({ folder, config, display })
  const again = await application.firstWindow()
  await again.getByRole('region', { name: 'Recent' }).getByRole('button').first().click()
  await shows(again, 'noise.npy')
  await application.close()
})

test('a file that a script made has no path, and is refused in a sentence', async ({ page }) => {
  const transfer = await page.evaluateHandle(() => {
    const data = new DataTransfer()
    data.items.add(new File(['\x93NUMPY'], '/etc/passwd'))
    return data
  })
  await page.locator('.app').dispatchEvent('drop', { dataTransfer: transfer })
  const alert = page.getByRole('alert')
  await expect(alert).toContainText('What was dropped is not a file on this computer.')
  await expect(alert).not.toContainText('invoking remote method')
  await expect(alert).toHaveAttribute('data-code', 'bad-request')
})

test('on the command line', async ({ folder, config, display }) => {
  const file = makeSample(folder)
  const { application } = await startDesktop({ folder, config, display, parameters: [file] })
  const page = await application.firstWindow()
  await shows(page, 'model.safetensors')
  await readError(page)
  await application.close()
})

test('by a second start: it ends, and the window of the first comes forward with the file', async ({
  page,
  desktop,
  folder,
  config,
  display,
}) => {
  await expect(page.locator('[data-engine]')).toHaveAttribute('data-engine', 'ready')
  await desktop!.application.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.minimize())
  writeFileSync(join(folder, 'notes.txt'), 'These are not weights.')
  makeSample(folder)
  const { program, application } = electronRuntime()!
  const start = (...files: string[]) =>
    once(
      spawn(program, ['--no-sandbox', application, ...files], {
        cwd: folder,
        env: desktopEnvironment({ config, display }),
        stdio: 'ignore',
      }),
      'exit',
    )
  // Relative to where it was started, as a shell means it.
  expect(await start('model.safetensors')).toEqual([0, null])
  await shows(page, 'model.safetensors')
  await readError(page)
  // One that cannot be opened is a sentence, and the file open before stays.
  expect(await start('notes.txt')).toEqual([0, null])
  await expect(page.getByRole('alert')).toContainText('notes.txt')
  await expect(page.locator('.file-name')).toHaveText('model.safetensors')
  const windows = await desktop!.application.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows().map((window) => window.isMinimized()),
  )
  expect(windows).toEqual([false])
})

test('by the Finder’s open-file', async ({ page, desktop, folder }) => {
  await expect(page.locator('[data-engine]')).toHaveAttribute('data-engine', 'ready')
  const prevented = await desktop!.application.evaluate(({ app }, path) => {
    let answered = false
    app.emit('open-file', { preventDefault: () => (answered = true) }, path)
    return answered
  }, makeSample(folder))
  expect(prevented).toBe(true)
  await shows(page, 'model.safetensors')
  await readError(page)
})
