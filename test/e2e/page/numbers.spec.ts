/** The page shows what the engine computed, computes nothing it need not, and says what a randomized result costs. */
import { join } from 'node:path'
import type { AnalysisReport, ComparisonReport } from '../../../core/contract.ts'
import { expect, test } from '../set-up/fixtures.ts'
import { root } from '../set-up/serving.ts'
import {
  browse,
  chooseGoal,
  chooseLens,
  choosePreset,
  chooseTensor,
  commandLine,
  compareWithExact,
  download,
  errorFigure,
  jobsStarted,
  openSample,
  patience,
  rankHandle,
  readError,
  sampleFlags,
  setAdvanced,
  upload,
} from './driving.ts'
import { writeNoise } from './files.ts'

/** Two processes on one machine compute the same bits; 1e-6 is what issue and user ask for. */
const agreement = 1e-6
const relative = (value: number, expected: number) => Math.abs(value - expected) / expected

test('the error on the page is the one the command line finds', async ({ page, folder }) => {
  const sample = join(folder, 'same.safetensors')
  // The sample of the Start screen, made again by its seed.
  commandLine('sample', sample, ...sampleFlags)
  await openSample(page)
  for (const [tensor, preset, method] of [
    ['model.layers.0.self_attn.v_proj.weight', 'Auto', 'auto'],
    ['model.layers.0.mlp.down_proj.weight', 'Exact', 'exact'],
  ] as const) {
    await choosePreset(page, preset)
    await chooseTensor(page, tensor)
    const shown = await readError(page)
    const report = commandLine<AnalysisReport>('analyze', sample, '--tensor', tensor, '--method', method)
    expect(relative(shown, report.relativeError)).toBeLessThan(agreement)
  }
})

const data = join(root, 'test/fixtures/weights/onet.pt')
test('the same on weights of a published model', async ({ page }) => {
  await upload(page, data)
  const tensor = 'dense5.weight'
  await chooseTensor(page, tensor)
  const report = commandLine<AnalysisReport>('analyze', data, '--tensor', tensor)
  expect(relative(await readError(page), report.relativeError)).toBeLessThan(agreement)
})

test('moving the rank by keyboard follows the curve and starts no job', async ({ page }) => {
  await openSample(page)
  const before = await jobsStarted(page)
  const error64 = await readError(page)
  await rankHandle(page).focus()
  await page.keyboard.press('ArrowLeft')
  await expect(errorFigure(page)).toHaveAttribute('data-rank', '63')
  await page.keyboard.press('Shift+ArrowLeft')
  await expect(errorFigure(page)).toHaveAttribute('data-rank', '53')
  expect(await readError(page)).toBeGreaterThan(error64)
  await expect(rankHandle(page)).toHaveAttribute('aria-valuenow', '53')
  await expect(rankHandle(page)).toHaveAttribute('aria-valuetext', /Rank 53, error \d/)
  await page.keyboard.press('Shift+ArrowRight')
  await page.keyboard.press('ArrowRight')
  expect(await readError(page)).toBe(error64)
  expect(await jobsStarted(page)).toBe(before)
})

test('dragging the rank changes the sizes at once and starts no job', async ({ page }) => {
  await openSample(page)
  const before = await jobsStarted(page)
  const bytes = page.getByTestId('file-bytes')
  const after = Number(await bytes.getAttribute('data-after'))
  const plot = (await page.locator('.rank-surface').boundingBox())!
  const grip = (await page.locator('.rank-grip').boundingBox())!
  await page.mouse.move(grip.x + grip.width / 2, plot.y + plot.height / 2)
  await page.mouse.down()
  await page.mouse.move(plot.x + 100, plot.y + plot.height / 2, { steps: 8 })
  expect(Number(await errorFigure(page).getAttribute('data-rank'))).toBeLessThan(64)
  expect(Number(await bytes.getAttribute('data-after'))).toBeLessThan(after)
  await page.mouse.up()
  expect(await jobsStarted(page)).toBe(before)
})

test('a rank that is looked at before the goal has a plan stands beside none', async ({ page }) => {
  await openSample(page)
  await chooseGoal(page, 'Size')
  await page.getByRole('button', { name: 'Cancel' }).click()
  await expect(page.getByText('Its rank under this goal is not known yet')).toBeVisible()
  await expect(page.locator('.rank-grip')).toHaveText(/^What if \d+$/)
  await rankHandle(page).focus()
  await page.keyboard.press('Home')
  const whatIf = page.getByTestId('what-if')
  await expect(whatIf).toContainText('What if rank 1')
  await expect(whatIf).toContainText('Its rank under this goal is not known yet')
  await expect(whatIf).not.toContainText('The plan has')
  await expect(page.locator('.tensor-tab').getByText(/^Planned \d+$/)).toHaveCount(0)
  // What is not ticked gets no rank, with a plan or before it.
  await page.getByRole('treegrid', { name: 'Tensors' }).locator('[data-tensor][aria-selected=true] input').uncheck()
  await expect(whatIf).toContainText('The plan keeps it whole')
})

test('under a goal a drag only looks, twice in a row, and every change can be undone', async ({ page }) => {
  await openSample(page)
  await chooseGoal(page, 'Size')
  await page.getByRole('textbox', { name: 'Size of the output' }).fill('40')
  const bytes = page.getByTestId('file-bytes')
  await expect(bytes).toHaveAttribute('data-exact', 'true', patience)
  const planned = await bytes.getAttribute('data-after')
  // What the plan keeps has no rank: the one that is marked is a question.
  const rows = page.getByRole('treegrid', { name: 'Tensors' }).locator('[data-tensor]')
  const [first, whole] = [rows.filter({ hasText: 'q_proj' }), rows.filter({ hasText: 'whole' }).first()]
  await whole.click()
  await expect(page.locator('.rank-grip')).toHaveText(/^What if \d+$/)
  await first.click()
  await expect(page.locator('.rank-grip')).toHaveText(/^\d+$/)
  const plot = (await page.locator('.rank-surface').boundingBox())!
  // By a real mouse, and from a place where the axis' text would be selected and the second drag would carry it.
  for (const to of [0.3, 0.6]) {
    await page.mouse.move(plot.x + plot.width / 2, plot.y + plot.height - 12)
    await page.mouse.down()
    await page.mouse.move(plot.x + to * plot.width, plot.y + plot.height + 30, { steps: 6 })
    await page.mouse.up()
    await expect(page.getByTestId('what-if')).toContainText('The goal stays: At most 40')
  }
  expect(await page.evaluate(() => getSelection()?.toString())).toBe('')
  await expect(page.getByRole('alert')).toHaveCount(0)
  await expect(bytes).toHaveAttribute('data-after', planned!)
  // The keyboard looks as well, and Esc drops it.
  await page.keyboard.press('Home')
  await expect(page.getByTestId('what-if')).toContainText('What if rank 1')
  await page.keyboard.press('Escape')
  await expect(page.getByTestId('what-if')).toHaveCount(0)
  // Pinned, the tensor has its rank and the others meet the goal.
  await page.keyboard.press('Home')
  await page.keyboard.press('Shift+ArrowRight')
  await page.getByRole('button', { name: 'Pin this tensor' }).click()
  await expect(page.getByText('Pinned at rank 11')).toBeVisible()
  await expect(errorFigure(page)).toHaveAttribute('data-rank', '11')
  await expect(page.getByRole('textbox', { name: 'Size of the output' })).toHaveValue('40')
  await expect(bytes).toHaveAttribute('data-exact', 'true', patience)
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(page.getByText('Pinned at rank 11')).toHaveCount(0)
  await rankHandle(page).focus()
  await page.keyboard.press('Control+Shift+z')
  await expect(page.getByText('Pinned at rank 11')).toBeVisible()
  // What it says it does, and is undone as a whole.
  await page.keyboard.press('ArrowRight')
  await page.getByRole('button', { name: 'Use for all' }).click()
  await expect(page.getByRole('textbox', { name: 'Rank', exact: true })).toHaveValue('12')
  await rankHandle(page).focus()
  await page.keyboard.press('Control+z')
  await expect(page.getByRole('textbox', { name: 'Size of the output' })).toHaveValue('40')
  await expect(page.getByText('Pinned at rank 11')).toBeVisible()
})

test('a rank beyond the sketch starts one job when the handle is let go', async ({ page }) => {
  await openSample(page)
  await choosePreset(page, 'Balanced')
  await readError(page)
  // What a norm in single precision leaves is nothing.
  await chooseLens(page, 'Energy')
  await page.getByRole('button', { name: 'Show as table' }).click()
  await expect(page.getByRole('row', { name: /^0 / })).toHaveText(/^0(0\s%)+$/)
  await page.getByRole('button', { name: 'Show as table' }).click()
  await chooseLens(page, 'Error')
  const before = await jobsStarted(page)
  await rankHandle(page).focus()
  await page.keyboard.down('Shift')
  await page.keyboard.down('ArrowRight')
  await expect(errorFigure(page)).toHaveAttribute('data-relative-error', '')
  await expect(page.getByText(/Beyond rank 64/)).toBeVisible()
  await page.keyboard.up('ArrowRight')
  await page.keyboard.up('Shift')
  await readError(page)
  expect(await jobsStarted(page)).toBe(before + 1)
})

test('changing the power iterations replaces the job, and each iteration is drawn as it arrives', async ({
  page,
  folder,
}) => {
  writeNoise(join(folder, 'noise.npy'), 3072)
  await browse(page, 'noise.npy')
  await choosePreset(page, 'Exact')
  const status = page.getByTestId('job-status')
  await expect(status).toHaveAttribute('data-job', /./, patience)
  const exact = await status.getAttribute('data-job')
  await choosePreset(page, 'Balanced')
  await expect(status).not.toHaveAttribute('data-job', exact!)
  // A wide sketch: its 32 iterations last longer than a look at the page takes.
  await page.getByRole('textbox', { name: 'Rank', exact: true }).fill('512')
  await setAdvanced(page, 'Power iterations', 32)
  await expect(page.getByText(/pass \d+ of 32/)).toBeVisible(patience)
  await setAdvanced(page, 'Power iterations', 1)
  await readError(page)
  await expect(status).toContainText('1 power iteration')
  await expect(page.getByText('No more structure than random noise')).toBeHidden()
})

test('a comparison shows the floor and what going fast costs, and keeps it while parameters change', async ({
  page,
  folder,
}) => {
  const sample = join(folder, 'same.safetensors')
  commandLine('sample', sample, ...sampleFlags)
  await openSample(page)
  await choosePreset(page, 'Fast')
  const tensor = 'model.layers.0.self_attn.q_proj.weight'
  await chooseTensor(page, tensor)
  await compareWithExact(page)
  const figure = page.getByTestId('excess')
  await expect(figure).toContainText('Extra error vs exact SVD +', patience)
  const report = commandLine<ComparisonReport>(...['compare', sample, '--tensor', tensor, '--n-iter', '1'])
  expect(relative(Number(await figure.getAttribute('data-excess')), report.excess)).toBeLessThan(1e-3)
  const fast = Number(await figure.getAttribute('data-excess'))
  expect(fast).toBeGreaterThan(0)
  const compared = page.getByRole('region', { name: 'Compare with exact' })
  await expect(compared).toContainText(/Randomized took .*, exact .* times as (fast|long)/)
  await expect(page.getByTestId('job-status')).not.toContainText('took')
  await expect(compared).not.toContainText('other settings')
  // A rank beyond the sketch has no singular values of it: those up to its rank are not the answer.
  const rank = page.getByRole('textbox', { name: 'Rank', exact: true })
  await expect(page.getByTestId('value-error')).toBeVisible()
  await rank.fill('128')
  await expect(page.getByTestId('value-error')).toHaveCount(0)
  await rank.fill('64')
  await page.keyboard.press('Enter')
  await choosePreset(page, 'Precise')
  await readError(page)
  // What was compared is of other parameters now, and says so.
  await expect(compared).toContainText('other settings')
  const precise = Number(await figure.getAttribute('data-excess'))
  expect(precise).toBeGreaterThanOrEqual(0)
  expect(precise).toBeLessThan(fast)
  await chooseLens(page, 'Singular values')
  await expect(page.getByRole('figure', { name: /Error of the singular values/ })).toBeVisible()
})

test('a chart is also a table and three kinds of file', async ({ page }) => {
  await openSample(page)
  await page.getByRole('button', { name: 'Show as table' }).click()
  await expect(page.getByRole('row', { name: /^64 / })).toBeVisible()
  await page.getByRole('button', { name: 'Show as table' }).click()
  for (const kind of ['SVG', 'PNG', 'CSV']) {
    await page.getByRole('button', { name: 'Export' }).click()
    const { name, bytes } = await download(page, `Save as ${kind}`)
    expect(name).toMatch(new RegExp(`\\.${kind.toLowerCase()}$`))
    const content = bytes.toString('latin1')
    // What it is of, its lines and its rank travel with it, on white, at twice the size.
    if (kind === 'SVG')
      for (const part of [
        /Relative error against rank of/,
        /seed 42|Exact SVD/,
        /Noise/,
        /data-mark="Rank 64"/,
        /#ffffff/,
      ])
        expect(content).toMatch(part)
    if (kind === 'PNG') expect(bytes.readUInt32BE(16)).toBe(2 * 800)
    if (kind === 'CSV') expect(content).toMatch(/^"Rank","Relative error, [^"]* \[fraction\]"/)
  }
})
