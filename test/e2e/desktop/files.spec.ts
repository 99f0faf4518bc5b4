/** Every way in which a user or the system hands the application a file, with the command line as the judge of what it then shows. */
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import type { AnalysisReport } from '../../../core/contract.ts'
import { browse, chooseTensor, commandLine, readError } from '../page/driving.ts'
import { writeNoise } from '../page/files.ts'
import { answerOpen, answerSave, dropFiles, startDesktop } from '../set-up/desktop.ts'
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
  const start = page.getByRole('dialog').getByRole('button', { name: 'Compress', exact: true })
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
