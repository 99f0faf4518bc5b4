/** The whole model: analyzed once, seen as a map, and from then on every goal is instant and exact. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { expect, test } from '../set-up/fixtures.ts'
import {
  browse,
  chooseGoal,
  choosePreset,
  chooseTensor,
  commandLine,
  download,
  downloadBy,
  engineCounters,
  patience,
  readError,
} from './driving.ts'
import { writeManyTensors } from './files.ts'

const map = (page: Page) => page.getByRole('grid', { name: /^Map of/ })
/** Of the matrices drawn, how many are of a kind. */
const expectCells = (page: Page, kind: 'cells' | 'kept' | 'unknown', count: number) =>
  expect(map(page)).toHaveAttribute(`data-${kind}`, String(count), patience)
const unknownCells = async (page: Page) => Number(await map(page).getAttribute('data-unknown'))
const fileBytes = (page: Page) => page.getByTestId('file-bytes')

/** A sample of so many layers, opened, with its map on show. */
async function openMap(page: Page, folder: string, layers: number, hidden: number): Promise<void> {
  commandLine('sample', join(folder, 'model.safetensors'), '--layers', String(layers), '--hidden', String(hidden))
  await browse(page, 'model.safetensors')
  await readError(page)
  await page.getByRole('tab', { name: 'Model' }).click()
}

async function analyze(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Analyze/ }).click()
  await expect(fileBytes(page)).toHaveAttribute('data-exact', 'true', patience)
}

/** Bytes of the plan that answers the choices as they stand. */
async function plannedBytes(page: Page): Promise<number> {
  await expect(fileBytes(page)).toHaveAttribute('data-exact', 'true', patience)
  return Number(await fileBytes(page).getAttribute('data-after'))
}

test('the map fills in, and after it another goal factorizes nothing', async ({ page, folder }) => {
  await openMap(page, folder, 3, 256)
  await expectCells(page, 'cells', 3 * 7 + 2)
  // The tensor on show has been looked at; embedding and head are kept.
  await expectCells(page, 'unknown', 20)
  await expectCells(page, 'kept', 2)
  await analyze(page)
  await expectCells(page, 'unknown', 0)
  await expect(page.getByTestId('model-analysis')).toBeHidden()
  const rank64 = await plannedBytes(page)
  const before = await engineCounters(page)

  await chooseGoal(page, 'Size')
  const asLarge = await plannedBytes(page)
  // A size starts from what was to be expected before it, to the next tenth of a percent.
  const { size } = statSync(join(folder, 'model.safetensors'))
  expect(asLarge).toBeLessThanOrEqual((Math.ceil((1000 * rank64) / size) / 1000) * size)
  await page.getByRole('textbox', { name: 'Size of the output' }).fill('30')
  await expect.poll(() => plannedBytes(page)).toBeLessThan(asLarge)
  await chooseGoal(page, 'Error')
  await page.getByRole('textbox', { name: 'Largest error' }).fill('20')
  await expect(page.getByTestId('model-error')).toHaveAttribute('data-error', /^0\.1/, patience)
  await chooseGoal(page, 'Rank')
  // Neither goal has touched the rank, nor this the goals.
  await expect(page.getByRole('textbox', { name: 'Rank', exact: true })).toHaveValue('64')
  await expect.poll(() => plannedBytes(page)).toBe(rank64)
  await chooseGoal(page, 'Size')
  await expect(page.getByRole('textbox', { name: 'Size of the output' })).toHaveValue('30')
  await chooseGoal(page, 'Rank')
  await expect.poll(() => plannedBytes(page)).toBe(rank64)

  const after = await engineCounters(page)
  expect(after.jobs).toBeGreaterThan(before.jobs)
  // The tensor on show was looked at beyond its first sketch: that of the analysis served.
  expect(after.sketches).toMatchObject({ stored: before.sketches.stored, missed: before.sketches.missed })
})

test('a size goal in the page writes exactly the bytes it shows', async ({ page, folder }) => {
  await openMap(page, folder, 2, 256)
  await analyze(page)
  await chooseGoal(page, 'Size')
  await page.getByRole('textbox', { name: 'Size of the output' }).fill('40')
  const goal = Math.floor(0.4 * statSync(join(folder, 'model.safetensors')).size)
  await expect.poll(() => plannedBytes(page)).toBeLessThanOrEqual(goal)
  const planned = await plannedBytes(page)
  const error = Number(await page.getByTestId('model-error').getAttribute('data-error'))
  // Card, curve and point say one number.
  const [said] = (await page.getByTestId('model-error').innerText()).match(/[\d.]+\s%/)!
  await expect(page.locator('[data-series=plans] strong')).toHaveText(said)
  await expect(page.getByRole('slider', { name: 'Size goal' })).toHaveAttribute(
    'aria-valuetext',
    new RegExp(`, ${said}$`),
  )
  await page.keyboard.press('Control+Enter')
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByTestId('file-bytes')).toHaveAttribute('data-after', String(planned))
  // Another style weighs otherwise, and the page knows it as soon as it is chosen.
  await dialog.getByText('NumPy (.npz)').click()
  await expect(dialog.getByTestId('file-bytes')).not.toHaveAttribute('data-after', String(planned))
  await expect(dialog.getByTestId('file-bytes')).toHaveAttribute('data-exact', 'true', patience)
  // It holds factors alone: no size of a whole model can be asked of it.
  await dialog.getByText('GhostSVD prototype (.aguf)').click()
  await expect(dialog.getByText('A size goal is for a file with the whole model')).toBeVisible(patience)
  await expect(dialog.getByRole('button', { name: 'Compress', exact: true })).toBeDisabled()
  await dialog.getByText('Factors (.safetensors)').click()
  await expect(dialog.getByTestId('file-bytes')).toHaveAttribute('data-after', String(planned))
  await dialog.getByRole('button', { name: 'Write anyway' }).click()
  const result = page.getByTestId('run-result')
  await expect(result).toBeVisible(patience)
  expect(statSync(join(folder, 'model.lowrank.safetensors')).size).toBe(planned)
  const measured = Number(await result.getAttribute('data-relative-error'))
  // Expected from spectra of f32 sketches, measured on what was written.
  expect(Math.abs(measured - error) / error).toBeLessThan(1e-3)
})

test('a tensor that the plan keeps shows no figures of a compression', async ({ page, folder }) => {
  await openMap(page, folder, 2, 256)
  await analyze(page)
  await chooseGoal(page, 'Error')
  await page.getByRole('textbox', { name: 'Largest error' }).fill('5')
  await plannedBytes(page)
  await chooseTensor(page, 'model.layers.0.self_attn.v_proj.weight')
  await expect(page.getByTestId('planned')).toContainText('Would be kept: The goal is not reached', patience)
  const error = page.getByTestId('relative-error')
  await expect(error).toHaveAttribute('data-relative-error', '0')
  await expect(error).toHaveText(/^Error, kept whole0\s%$/)
  await expect(page.getByTestId('tensor-bytes')).toHaveText(/([\d.]+\s\wB) → \1$/)
  await expect(page.getByTestId('job-status')).not.toContainText('not reached')
})

test('a goal starts the analysis it needs, and until that is done nothing stands for the model', async ({
  page,
  folder,
}) => {
  await openMap(page, folder, 6, 512)
  await chooseGoal(page, 'Size')
  await page.getByRole('textbox', { name: 'Size of the output' }).fill('40')
  await expect(page.getByTestId('model-analysis')).toBeVisible(patience)
  await expect(page.getByTestId('model-error')).toHaveCount(0)
  await expect(page.getByText('Totals for part of the model would be misleading, so none are shown.')).toBeVisible()
  // Meanwhile the map shows what is known of each: its error at half the bytes, which is nobody's plan.
  await expect(page.locator('.map-legend')).toContainText('Error if every matrix is halved')
  await expect(page.locator('.map-legend')).toContainText('Not analyzed yet')
  await page.keyboard.press('Control+Enter')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  // A reload comes back to goal and tab, and the analysis is begun again from the sketches that were kept.
  await page.reload()
  await expect(page.getByRole('tab', { name: 'Model' })).toHaveAttribute('aria-selected', 'true', patience)
  await expect(page.getByRole('textbox', { name: 'Size of the output' })).toHaveValue('40')
  await plannedBytes(page)
  await expect(page.getByTestId('verdict')).toContainText('Large change.')
  // Another speed leaves the plan standing, marked as one of other settings and not to be run.
  await choosePreset(page, 'Precise')
  await expect(page.getByTestId('outcome')).toHaveAttribute('data-state', 'stale')
  await expect(page.getByTestId('model-error')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Compress…' })).toBeDisabled()
})

test('a goal that cannot be met shows no other goal’s numbers and compresses nothing', async ({ page, folder }) => {
  await openMap(page, folder, 2, 256)
  await analyze(page)
  await chooseGoal(page, 'Size')
  const size = page.getByRole('textbox', { name: 'Size of the output' })
  await size.fill('60')
  const planned = await plannedBytes(page)
  await size.fill('0.5')
  const sentence = 'Choose a larger size'
  await expect(page.getByRole('alert')).toContainText(sentence, patience)
  await expect(page.getByRole('alert')).toHaveCount(1)
  await expect(fileBytes(page)).toHaveAttribute('data-after', '')
  await expect(page.getByTestId('model-error')).toHaveCount(0)
  await expectCells(page, 'kept', 2)
  await expect(page.getByRole('button', { name: 'Compress…' })).toBeDisabled()
  await page.getByRole('tab', { name: 'Tensor' }).click()
  await readError(page)
  await expect(page.getByText('Its rank under this goal is not known yet')).toHaveCount(0)
  await page.getByRole('tab', { name: 'Model' }).click()
  // The smallest there can be is offered, and is one that can be.
  await page.getByRole('button', { name: /^Use .* the smallest$/ }).click()
  await plannedBytes(page)
  await expect(page.getByRole('alert')).toHaveCount(0)
  await page.getByRole('combobox', { name: 'Unit of the size' }).click()
  await page.getByRole('option', { name: '%' }).click()
  await size.fill('60')
  await expect.poll(() => plannedBytes(page)).toBe(planned)
  // A goal that keeps every tensor is no success of 0 %: it says why, and what does instead.
  await chooseGoal(page, 'Error')
  await page.getByRole('textbox', { name: 'Largest error' }).fill('0.1')
  const nothing = page.getByTestId('nothing-compressed')
  await expect(nothing).toContainText('No matrix reaches 0.1', patience)
  await expect(page.getByTestId('model-error')).toHaveCount(0)
  await expect(page.getByRole('button', { name: 'Compress…' })).toBeDisabled()
  await page.getByRole('button', { name: 'Use INT8 factors' }).click()
  await page.getByRole('textbox', { name: 'Largest error' }).fill('5')
  await expect(nothing).toHaveCount(0, patience)
})

test('looking at a tensor does not wait for the analysis, which goes on after it', async ({ page, folder }) => {
  await openMap(page, folder, 4, 512)
  await page.getByRole('button', { name: /^Analyze/ }).click()
  await expect(page.getByTestId('model-analysis')).toBeVisible()
  await chooseTensor(page, 'model.layers.3.mlp.up_proj.weight')
  await readError(page)
  await page.getByRole('tab', { name: 'Model' }).click()
  await plannedBytes(page)
  await expectCells(page, 'unknown', 0)
})

test('a cancelled analysis keeps what it has found and goes on where it was', async ({ page, folder }) => {
  await openMap(page, folder, 8, 512)
  await page.getByRole('button', { name: /^Analyze/ }).click()
  await expect.poll(() => unknownCells(page), patience).toBeLessThan(50)
  // Nothing of a part stands for the model.
  await expect(page.getByTestId('model-error')).toHaveCount(0)
  await page.getByRole('region', { name: 'Goal and outcome' }).getByRole('button', { name: 'Cancel' }).click()
  await expect(page.getByTestId('model-analysis')).toBeHidden()
  expect(await unknownCells(page)).toBeGreaterThan(0)
  await analyze(page)
  await expectCells(page, 'unknown', 0)
  // 56 matrices, and the one that was on show before: none of them twice but the one that was cut short.
  expect((await engineCounters(page)).sketches.stored).toBeLessThanOrEqual(58)
})

test('the map by keyboard: arrows go from matrix to matrix, Enter shows one', async ({ page, folder }) => {
  await openMap(page, folder, 3, 256)
  // Where bars take room (not in headless browsers, where nobody saw them), a pixel too many shows both.
  expect(
    await map(page).evaluate((grid) => [grid.scrollWidth - grid.clientWidth, grid.scrollHeight - grid.clientHeight]),
  ).toEqual([0, 0])
  await map(page).focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowRight')
  await expect(page.getByTestId('map-details')).toContainText('model.layers.1.self_attn.k_proj.weight')
  await page.keyboard.press('Enter')
  await expect(map(page).getByRole('gridcell', { selected: true })).toContainText('1.self_attn.k_proj')
  await page.keyboard.press('Control+Home')
  await expect(page.getByTestId('map-details')).toContainText('lm_head.weight')
  await expect(page.getByTestId('map-details')).toContainText('Kept')
})

test('INT8 says before the run what it does to each error', async ({ page, folder }) => {
  await openMap(page, folder, 1, 256)
  await analyze(page)
  await page.getByRole('button', { name: 'Output' }).click()
  await page.getByLabel('Factor dtype').first().click()
  await page.getByRole('option', { name: 'INT8' }).click()
  await page.getByRole('tab', { name: 'Tensor' }).click()
  await expect(page.getByTestId('planned')).toContainText(/INT8 (adds|would add) [\d.]+\s%/, patience)
})

test('the map is also a table and three kinds of file', async ({ page, folder }) => {
  await openMap(page, folder, 2, 256)
  await analyze(page)
  const figure = page.getByRole('figure', { name: /^Map of/ })
  for (const kind of ['SVG', 'PNG', 'CSV']) {
    await figure.getByRole('button', { name: 'Export' }).click()
    const { name, bytes } = await download(page, `Save as ${kind}`)
    expect(name).toBe(`model.safetensors.map.${kind.toLowerCase()}`)
    const content = bytes.toString('latin1')
    if (kind === 'CSV') expect(content.trim().split('\r\n')).toHaveLength(1 + 2 * 7 + 2)
    // A box for each matrix, whatever its path.
    if (kind === 'SVG') expect(content.match(/M[\d.]+ [\d.]+h[\d.]+v20h/g)).toHaveLength(2 * 7 + 2)
    if (kind === 'PNG') expect(content.slice(1, 4)).toBe('PNG')
  }
  const report = await downloadBy(page, () => page.getByRole('button', { name: 'Save report (HTML)' }).click())
  expect(report.name).toBe('model.plan.html')
  expect(report.bytes.toString()).toMatch(/Expected[\s\S]*model\.layers\.1\.mlp\.down_proj\.weight/)
  await figure.getByRole('button', { name: 'Show as table' }).click()
  await expect(page.locator('.data-table').getByRole('row', { name: /q_proj/ })).toHaveCount(2)
})

test('a map of 10,000 matrices is a picture, and each of them is reached by keyboard', async ({ page, folder }) => {
  writeManyTensors(join(folder, 'many.safetensors'), 15_000)
  await browse(page, 'many.safetensors')
  await expect(page.getByText('15,000 tensors')).toBeVisible(patience)
  await page.getByRole('tab', { name: 'Model' }).click()
  await expect(map(page)).toHaveAttribute('aria-rowcount', '5000')
  // One element, however many matrices.
  expect(await map(page).locator('*').count()).toBeLessThan(10)
  await map(page).focus()
  await page.keyboard.press('Control+End')
  await expect(page.getByTestId('map-details')).toContainText('model.layers.4999.')
})
