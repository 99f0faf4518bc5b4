/** From weights to answers: a model is opened, calibrated, compressed and tried, and what fails on the way is a sentence. */
import { execFileSync } from 'node:child_process'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { answerOpen, answerSave } from '../set-up/desktop.ts'
import { desktopOf } from '../set-up/doors.ts'
import { expect, test } from '../set-up/fixtures.ts'
import { browse, chooseGoal, patience, readError, resize } from './driving.ts'
import { writeSafetensors } from './files.ts'
import { classifier, nonsense, samples } from './onnx-files.ts'

/** Picks a file beside the open one. @param label of its buttons @param field its upload's */
async function give(page: Page, label: string, field: string, path: string): Promise<void> {
  const desktop = desktopOf(page)
  if (!desktop) return page.getByTestId(field).setInputFiles(path)
  await answerOpen(desktop, path)
  await page.getByRole('button', { name: `${label}: File…`, exact: true }).click()
}

async function openModel(page: Page, folder: string): Promise<void> {
  writeFileSync(join(folder, 'model.onnx'), classifier())
  await browse(page, 'model.onnx')
  await readError(page)
  const rank = page.getByRole('textbox', { name: 'Rank', exact: true })
  await rank.fill('24')
  await rank.press('Enter')
  await readError(page)
}

/** The open model as a model that runs. */
async function compressTo(page: Page, name: string): Promise<void> {
  const desktop = desktopOf(page)
  await page.getByRole('button', { name: 'Compress…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('radio', { name: /Model that runs/ }).click()
  if (desktop) await answerSave(desktop, name)
  else await dialog.getByRole('textbox', { name: 'File name' }).fill(name)
  await dialog.getByRole('button', { name: /^(Compress|Write anyway)$/ }).click()
  await expect(dialog).toBeHidden(patience)
  await expect(page.getByTestId('run').first()).toContainText(name, patience)
  await expect(page.getByTestId('run').first()).toHaveAttribute('data-run', 'finished', patience)
}

const statistics = (page: Page) => page.locator('.statistics-chosen')

test('calibrated on inputs, a model of the same bytes answers nearer on others', async ({ page, folder }) => {
  // It writes and runs dozens of models.
  test.slow()
  writeFileSync(join(folder, 'calibration.npz'), samples(1000, 8))
  writeFileSync(join(folder, 'held-out.npz'), samples(2000, 4))
  await openModel(page, folder)
  await expect(page.getByText(/^Noise/).first()).toBeVisible()
  await compressTo(page, 'plain.onnx')

  await page.getByRole('button', { name: 'Calibrate…' }).click()
  const dialog = page.getByRole('dialog', { name: /^Calibrate/ })
  await give(page, 'Inputs', 'calibrate-inputs', join(folder, 'calibration.npz'))
  await expect(dialog).toContainText('calibration.npz')
  // It was opened from a column that narrower windows have not; what was filled in stays.
  await resize(page, 960, 640)
  await expect(dialog).toContainText('calibration.npz')
  await resize(page, 1280, 800)
  const desktop = desktopOf(page)
  if (desktop) await answerSave(desktop, 'model.statistics.safetensors')
  await dialog.getByRole('button', { name: 'Calibrate', exact: true }).click()
  await expect(statistics(page)).toHaveAttribute('data-covered', '3', patience)
  await expect(statistics(page)).toContainText('From 8 given samples.')
  // Errors are those of outputs now, with that of the weights beside them; a noise line they do not have.
  await readError(page)
  await expect(page.getByTestId('weight-error')).toContainText(/weight error [\d.]+\s%/)
  await page.getByRole('tab', { name: 'Tensor' }).click()
  await expect(page.getByText(/^Noise/)).toHaveCount(0)
  await compressTo(page, 'weighted.onnx')
  await expect(page.getByTestId('run-result').first()).toContainText(/layer output error · weights [\d.]+\s%/)

  await page.getByTestId('run').first().getByRole('button', { name: 'Try it' }).click()
  const result = page.getByTestId('try-result')
  await expect(result).toHaveAttribute('data-inputs', 'drawn', patience)
  await expect(page.getByTestId('try-verdict')).toHaveAttribute('data-verdict', 'drawn')
  await page.getByRole('checkbox', { name: 'plain.onnx' }).check()
  await give(page, 'Inputs', 'try-inputs', join(folder, 'held-out.npz'))
  await expect(page.getByTestId('try')).toContainText('held-out.npz')
  await page.getByTestId('try').getByRole('button', { name: 'Try', exact: true }).click()
  await expect(result).toHaveAttribute('data-inputs', 'given', patience)
  const rows = page.getByTestId('try-row')
  await expect(rows).toHaveCount(2)
  const errorOf = async (name: string) => Number(await rows.filter({ hasText: name }).getAttribute('data-error'))
  expect(await errorOf('weighted.onnx')).toBeLessThan((await errorOf('plain.onnx')) / 3)
  const sizeOf = (name: string) => statSync(join(folder, name)).size
  expect(sizeOf('weighted.onnx')).toBe(sizeOf('plain.onnx'))

  // The goal on answers looks for the form itself, on the same inputs; whoever leaves it has the choices of before.
  const card = page.getByRole('region', { name: 'Goal and outcome' })
  await chooseGoal(page, 'Answers')
  await expect(card.getByRole('button', { name: 'Compress…' })).toHaveCount(0)
  const kind = card.locator('.goal-scope input')
  expect(await kind.evaluate((field) => field.scrollWidth - field.clientWidth)).toBeLessThanOrEqual(0)
  await card.getByRole('textbox', { name: 'Output error at most' }).fill('2')
  await card.getByRole('button', { name: 'Find the smallest' }).click()
  const found = page.getByTestId('answers-found')
  await expect(found).toHaveAttribute('data-form', /int8/, { timeout: 3 * patience.timeout })
  await expect(found).toContainText('Held out (1): output error')
  // What is written in INT8 is not "kept as it is", and has not the bytes it had.
  await expect(page.locator('.list-footer')).toContainText('kept in INT8')
  await compressTo(page, 'kept.onnx')
  expect(sizeOf('kept.onnx')).toBeLessThan(0.65 * sizeOf('weighted.onnx'))
  await chooseGoal(page, 'Rank')
  await expect(found).toHaveCount(0)
  await expect(page.getByRole('textbox', { name: 'Rank', exact: true })).toHaveValue('24')
  await expect(card).toContainText('2 of 2 matrices compressed')
})

test('forms beside each other say which is ticked and why, and the one that is used is used for the goal it was found for', async ({
  page,
  folder,
}) => {
  test.slow()
  writeFileSync(join(folder, 'inputs.npz'), samples(1000, 6))
  await openModel(page, folder)
  await page.getByRole('tab', { name: 'Try' }).click()
  await give(page, 'Inputs', 'try-inputs', join(folder, 'inputs.npz'))
  const forms = page.getByTestId('forms')
  const compare = forms.getByRole('button', { name: 'Compare forms' })
  await compare.click()
  await expect(forms).toContainText(
    'Ticked: of the low-rank forms of this size, the one with the least error.',
    patience,
  )
  const ticked = forms.locator('[data-chosen=true]')
  await expect(ticked).toHaveAttribute('data-form', 'low-rank')

  const kind = forms.getByRole('combobox', { name: 'Goal on answers' })
  await kind.click()
  await page.getByRole('option', { name: 'Output error at most' }).click()
  const share = forms.getByRole('textbox', { name: 'Output error at most' })
  await share.fill('3')
  await compare.click()
  await expect(forms).toContainText('Ticked: the smallest form that meets the goal.', patience)
  await share.fill('2')
  await ticked.getByRole('button', { name: 'Use' }).click()
  await expect(share).toHaveValue(/^3\b/)
  await expect(page.getByTestId('answers-found')).toContainText('Held out (2): output error')

  // What stays whole in INT8 is not "kept as it is": before an analysis and after it, beside the tensor, in the list and on the map.
  await expect(page.getByTestId('answers-found')).toHaveAttribute('data-form', 'int8')
  await page.getByRole('tab', { name: 'Tensor' }).click()
  await expect(page.getByTestId('left-out')).toContainText('Would be kept in INT8')
  await page
    .getByRole('region', { name: 'Goal and outcome' })
    .getByRole('button', { name: /^Analyze/ })
    .click()
  await expect(page.getByTestId('planned')).toContainText('Would be kept in INT8', patience)
  await expect(page.getByText('Error in INT8')).toBeVisible()
  const error = Number(await page.getByTestId('relative-error').getAttribute('data-relative-error'))
  expect(error).toBeGreaterThan(0.001)
  const row = page.locator('.tensor-row[aria-selected=true]')
  await expect(row).toContainText('INT8')
  await expect(row.locator('[data-error]')).toHaveAttribute('data-error', String(error))
  await page.getByRole('tab', { name: 'Model' }).click()
  await expect(page.getByText('These choices have no curve of size against error.')).toBeVisible()
  await page.getByRole('button', { name: 'Show as table' }).last().click()
  await expect(page.getByRole('table').last()).toContainText('INT8')
})

test('statistics of another model are refused with their numbers, and the map says what some do not cover', async ({
  page,
  folder,
}) => {
  const sums = (name: string, tensor: string, inputs: number) => {
    const square = { shape: [inputs], values: new Float32Array(inputs).fill(1) }
    const tensors = new Map([
      [`${tensor}.sum2`, square],
      [`${tensor}.count`, { shape: [1], values: Float32Array.of(4) }],
    ])
    writeSafetensors(join(folder, name), tensors)
    return join(folder, name)
  }
  await openModel(page, folder)
  const title = 'Statistics of inputs'
  const alert = page.getByTestId('statistics').getByRole('alert')
  await give(page, title, 'statistics-upload', sums('wide.safetensors', 'w1', 77))
  await expect(alert).toContainText('it counts 77 inputs of w1, which has 96', patience)
  await give(page, title, 'statistics-upload', sums('other.safetensors', 'elsewhere', 96))
  await expect(alert).toContainText('None of the 1 entries of other.safetensors', patience)
  await give(page, title, 'statistics-upload', join(folder, 'model.onnx'))
  await expect(alert).toContainText('model.onnx holds no statistics', patience)
  await expect(statistics(page)).toHaveCount(0)

  await give(page, title, 'statistics-upload', sums('some.safetensors', 'w1', 96))
  await expect(statistics(page)).toContainText('1 of 3 matrices have statistics', patience)
  await page.getByRole('tab', { name: 'Model' }).click()
  await expect(page.getByText('No statistics: 2', { exact: true })).toBeVisible()
  await page.getByRole('button', { name: 'Remove these statistics' }).click()
  await expect(page.getByText('No statistics: 2', { exact: true })).toHaveCount(0)
})

/** Processes in which models run, of this host. */
async function modelProcesses(page: Page, engines: () => Promise<number[]>): Promise<number[]> {
  const desktop = desktopOf(page)
  if (desktop) {
    const metrics = await desktop.application.evaluate(({ app }) => app.getAppMetrics())
    return metrics.filter(({ name }) => name?.startsWith('GhostSVD runtime')).map(({ pid }) => pid)
  }
  const parents = await engines()
  const listed = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n')
  return listed.flatMap((line) => {
    const [, pid, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []
    return command?.includes('runtime.js') && parents.includes(Number(parent)) ? [Number(pid)] : []
  })
}

test('a model that the runtime refuses, and one that is killed at work: a sentence each, and the next one runs', async ({
  page,
  folder,
  engines,
}) => {
  writeFileSync(join(folder, 'bad.onnx'), nonsense())
  writeFileSync(join(folder, 'same.onnx'), classifier())
  await openModel(page, folder)
  await page.getByRole('tab', { name: 'Try' }).click()
  const tab = page.getByTestId('try')
  const start = tab.getByRole('button', { name: 'Try', exact: true })
  await give(page, 'Compressed models', 'try-file', join(folder, 'bad.onnx'))
  await start.click()
  await expect(tab.getByRole('alert')).toContainText(/onnxruntime refuses bad\.onnx: .*Nonsense/, patience)

  await page.getByRole('checkbox', { name: 'bad.onnx' }).uncheck()
  await give(page, 'Compressed models', 'try-file', join(folder, 'same.onnx'))
  const count = page.getByRole('textbox', { name: 'Samples drawn' })
  await count.fill('10000')
  await start.click()
  await expect.poll(async () => (await modelProcesses(page, engines)).length, patience).toBe(2)
  await expect(tab).toContainText(/Running the models · [1-9]/, patience)
  const [victim] = await modelProcesses(page, engines)
  process.kill(victim!, 'SIGKILL')
  await expect(tab.getByRole('alert')).toContainText(/The process that ran (model|same)\.onnx ended\./, patience)
  await expect.poll(async () => (await modelProcesses(page, engines)).length, patience).toBe(0)

  await count.fill('2')
  await start.click()
  await expect(page.getByTestId('try-row')).toHaveAttribute('data-error', '0', patience)
  await expect(page.locator('[data-engine]')).toHaveAttribute('data-engine', 'ready')
})
