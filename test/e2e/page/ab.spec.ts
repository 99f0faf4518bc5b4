/** A/B: two ways side by side give the numbers each gives alone, and say what is owed to chance. */
import { join } from 'node:path'
import type { Locator, Page } from '@playwright/test'
import type { AnalysisReport } from '../../../core/contract.ts'
import { expect, test } from '../set-up/fixtures.ts'
import { expectAccessible } from './accessible.ts'
import {
  browse,
  choosePreset,
  chooseTensor,
  commandLine,
  download,
  jobsStarted,
  openSample,
  patience,
  readError,
  resize,
  sampleFlags,
} from './driving.ts'
import { writeNoise } from './files.ts'

const tensor = 'model.layers.0.self_attn.q_proj.weight'
/** Two processes on one machine compute the same bits; 1e-6 is what a user asks for. */
const agreement = 1e-6
const relative = (value: number, expected: number) => Math.abs(value - expected) / expected

const sideOf = (page: Page, name: 'A' | 'B') => page.getByRole('region', { name, exact: true })
const verdict = (page: Page) => page.getByTestId('ab-verdict')
const cell = (page: Page, row: string, side: 'a' | 'b') => page.getByTestId(`ab-${row}-${side}`)
const numberIn = async (found: Locator) => Number(await found.getAttribute('data-value'))

async function openTab(page: Page): Promise<void> {
  await openSample(page)
  await page.getByRole('tab', { name: 'A/B' }).click()
}
async function setNumber(page: Page, side: 'A' | 'B', label: string, value: number): Promise<void> {
  await sideOf(page, side).getByRole('textbox', { name: label }).fill(String(value))
}
async function setMethod(page: Page, side: 'A' | 'B', method: string): Promise<void> {
  await sideOf(page, side).getByRole('combobox', { name: 'Method' }).click()
  await page.getByRole('option', { name: method }).click()
}

test('the first click says what going fast costs here, in the numbers of the command line', async ({
  page,
  folder,
}) => {
  const sample = join(folder, 'same.safetensors')
  commandLine('sample', sample, ...sampleFlags)
  await openSample(page)
  await choosePreset(page, 'Fast')
  await readError(page)
  await page.getByRole('tab', { name: 'A/B' }).click()
  await expect(sideOf(page, 'A')).toHaveAttribute('data-method', 'randomized')
  await expect(sideOf(page, 'B')).toHaveAttribute('data-method', 'exact')
  await page.getByRole('button', { name: 'Run both' }).click()
  await expect(verdict(page)).toContainText(/its error is [\d.]+\s% larger \([\d.]+\s% against [\d.]+\s%\)/, patience)

  const analyze = (...parameters: string[]) =>
    commandLine<AnalysisReport>('analyze', sample, '--tensor', tensor, ...parameters)
  const fast = analyze('--method', 'randomized', '--n-iter', '1')
  const exact = analyze('--method', 'exact')
  expect(relative(await numberIn(cell(page, 'error', 'a')), fast.relativeError)).toBeLessThan(agreement)
  expect(relative(await numberIn(cell(page, 'error', 'b')), exact.relativeError)).toBeLessThan(agreement)
  const excess = fast.relativeError / exact.relativeError - 1
  expect(relative(await numberIn(cell(page, 'excess', 'a')), excess)).toBeLessThan(1e-3)
  const gaps = fast.singularValues.map((value, i) => {
    const other = exact.singularValues[i]!
    return Math.abs(value - other) / Math.max(value, other)
  })
  expect(relative(await numberIn(page.getByTestId('ab-gap')), Math.max(...gaps))).toBeLessThan(1e-3)
  expect(await numberIn(page.getByTestId('ab-angle'))).toBeGreaterThan(0)
  for (const side of ['a', 'b'] as const) {
    expect(await numberIn(cell(page, 'time', side))).toBeGreaterThan(0)
    expect(await numberIn(cell(page, 'memory', side))).toBeGreaterThan(0)
  }
  // The tensor's own tab knows the floor from now on.
  await page.getByRole('tab', { name: 'Tensor' }).click()
  await expect(page.getByTestId('excess')).toHaveAttribute('data-excess', /\d/)
})

test('five seeds have a spread, and it decides what is real', async ({ page, folder }) => {
  const sample = join(folder, 'same.safetensors')
  commandLine('sample', sample, ...sampleFlags)
  await openTab(page)
  // Two sketches that differ in nothing but their seeds.
  await page.getByRole('button', { name: 'Copy to B' }).click()
  await setNumber(page, 'B', 'Seed', 1000)
  await page.getByRole('button', { name: 'Run 5 times' }).click()
  await expect(verdict(page)).toContainText('within the spread over 5 seeds', patience)
  const range = cell(page, 'error', 'a').locator('[data-low]')
  const [low, high] = [Number(await range.getAttribute('data-low')), Number(await range.getAttribute('data-high'))]
  const errors = [42, 43, 44, 45, 46].map(
    (seed) => commandLine<AnalysisReport>('analyze', sample, '--tensor', tensor, '--seed', String(seed)).relativeError,
  )
  expect(high).toBeGreaterThan(low)
  expect(relative(low, Math.min(...errors))).toBeLessThan(agreement)
  expect(relative(high, Math.max(...errors))).toBeLessThan(agreement)
  expect(await numberIn(cell(page, 'error', 'a'))).toBeGreaterThan(low)
  await expect(page.getByText('Known where one side is exact')).toBeVisible()
})

test('sides are swapped with what is known of them, copied, and marked once they no longer fit the numbers', async ({
  page,
}) => {
  await openTab(page)
  await page.getByRole('button', { name: 'Run both' }).click()
  await expect(verdict(page)).toHaveAttribute('data-stale', 'false', patience)
  const errors = async () => [await numberIn(cell(page, 'error', 'a')), await numberIn(cell(page, 'error', 'b'))]
  const before = await errors()
  const jobs = await jobsStarted(page)
  await page.getByRole('button', { name: 'Swap' }).click()
  await expect(sideOf(page, 'A')).toHaveAttribute('data-method', 'exact')
  await expect(sideOf(page, 'B')).toHaveAttribute('data-method', 'randomized')
  expect(await errors()).toEqual(before.toReversed())
  await expect(verdict(page)).toHaveAttribute('data-stale', 'false')
  expect(await jobsStarted(page)).toBe(jobs)

  await setNumber(page, 'B', 'Power iterations', 0)
  await expect(verdict(page)).toHaveAttribute('data-stale', 'true')
  await expect(page.getByText('These numbers are for other parameters.')).toBeVisible()
  await page.getByRole('button', { name: 'Copy to A' }).click()
  await expect(sideOf(page, 'A').getByRole('textbox', { name: 'Power iterations' })).toHaveValue('0')
  await setMethod(page, 'A', 'Exact SVD')
  await expect(sideOf(page, 'A').getByRole('textbox', { name: 'Power iterations' })).toBeHidden()

  // Each tensor keeps its own numbers while the file is open.
  await chooseTensor(page, 'model.layers.0.self_attn.k_proj.weight')
  await page.getByRole('tab', { name: 'A/B' }).click()
  await expect(verdict(page)).toBeHidden()
  await chooseTensor(page, tensor)
  await page.getByRole('tab', { name: 'A/B' }).click()
  await expect(verdict(page)).toBeVisible()
  await page.getByRole('button', { name: 'Start over' }).click()
  await expect(sideOf(page, 'A')).toHaveAttribute('data-method', 'randomized')
})

test('a run can be cancelled, and another look at the tensor ends it', async ({ page, folder }) => {
  writeNoise(join(folder, 'noise.npy'), 3072)
  await browse(page, 'noise.npy')
  await readError(page)
  await page.getByRole('tab', { name: 'A/B' }).click()
  await page.getByRole('button', { name: 'Run both' }).click()
  const progress = page.getByTestId('ab-progress')
  await expect(progress).toHaveAttribute('data-job', /./, patience)
  await progress.getByRole('button', { name: 'Cancel' }).click()
  await expect(progress).toBeHidden()
  await expect(page.getByRole('button', { name: 'Run both' })).toBeEnabled()
  await expect(page.getByRole('alert')).toBeHidden()
  await page.getByRole('button', { name: 'Run both' }).click()
  await expect(progress).toHaveAttribute('data-job', /./, patience)
  // A parameter of the tensor asks for another look, which ends the run.
  await page.getByRole('tab', { name: 'Tensor' }).click()
  await choosePreset(page, 'Fast')
  await readError(page)
  await page.getByRole('tab', { name: 'A/B' }).click()
  await expect(progress).toBeHidden()
  await expect(page.getByRole('button', { name: 'Run both' })).toBeEnabled()
})

test('the tab is driven by keyboard, and its charts are tables and files', async ({ page }) => {
  await openSample(page)
  const tab = page.getByRole('tab', { name: 'A/B' })
  const focused = (locator: Locator) => locator.evaluate((element) => element === document.activeElement)
  await page.getByRole('tab', { name: 'Tensor' }).focus()
  for (let i = 0; i < 6 && !(await focused(tab)); i++) await page.keyboard.press('ArrowRight')
  await expect(sideOf(page, 'A')).toBeVisible()
  const run = page.getByRole('button', { name: 'Run both' })
  for (let i = 0; i < 24 && !(await focused(run)); i++) await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await expect(verdict(page)).toBeVisible(patience)
  const chart = page.getByRole('figure', { name: /Relative error against rank/ })
  await chart.getByRole('button', { name: 'Show as table' }).click()
  await expect(chart.getByRole('row', { name: /^64 / })).toBeVisible()
  await chart.getByRole('button', { name: 'Export' }).click()
  expect((await download(page, 'Save as CSV')).name).toBe(`${tensor}.ab-error.csv`)
})

test('axe finds nothing', async ({ page }) => {
  await openTab(page)
  await expectAccessible(page, 'before a run')
  await page.getByRole('button', { name: 'Run both' }).click()
  await expect(verdict(page)).toBeVisible(patience)
  await expectAccessible(page, 'after a run')
  await setNumber(page, 'A', 'Rank', 32)
  await expectAccessible(page, 'stale')
})

test('the smallest window shows the verdict without scrolling sideways', async ({ page }) => {
  await resize(page, 960, 640)
  await openTab(page)
  await page.getByRole('button', { name: 'Run both' }).click()
  await expect(page.locator('.ab-sentence')).toBeInViewport(patience)
  const tabs = await page
    .getByRole('tab')
    .evaluateAll((all) => new Set(all.map((tab) => tab.getBoundingClientRect().top)).size)
  expect(tabs, 'rows of tabs').toBe(1)
  const overflow = await page.locator('.ab').evaluate((tab) => tab.scrollWidth - tab.clientWidth)
  expect(overflow).toBe(0)
})
