/** Everybody can use the page: by keyboard alone, with a screen reader, in both themes and languages, in the smallest window. */
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { expect, loopbackOnly, test } from '../set-up/fixtures.ts'
import { expectAccessible } from './accessible.ts'
import { browse, chooseGoal, chooseLens, commandLine, openSample, patience, readError, resize } from './driving.ts'
import { writeManyTensors } from './files.ts'

async function expectNoOverflow(page: Page): Promise<void> {
  const overflow = await page.evaluate(() => {
    const { scrollWidth, clientWidth, scrollHeight, clientHeight } = document.documentElement
    return [scrollWidth - clientWidth, scrollHeight - clientHeight]
  })
  expect(overflow).toEqual([0, 0])
}

test('axe finds nothing on any screen', async ({ page }) => {
  // axe looks at every element of eight screens.
  test.slow()
  await expectAccessible(page, 'start')
  await openSample(page)
  await page.getByRole('button', { name: 'Advanced' }).click()
  await expectAccessible(page, 'workbench')
  await chooseLens(page, 'Singular values')
  await expectAccessible(page, 'singular values')
  await page.getByRole('button', { name: 'Show as table' }).click()
  await expectAccessible(page, 'table')
  await page.getByRole('tab', { name: 'Model' }).click()
  await page.getByRole('button', { name: /^Analyze/ }).click()
  await expectAccessible(page, 'map while it fills in')
  await expect(page.getByTestId('file-bytes')).toHaveAttribute('data-exact', 'true', patience)
  await expectAccessible(page, 'model')
  await page.getByRole('button', { name: 'Show as table' }).last().click()
  await expectAccessible(page, 'map as a table')
  await page.getByRole('button', { name: 'Why?' }).click()
  await expectAccessible(page, 'reasons')
  await page.keyboard.press('Escape')
  await page.keyboard.press('Control+Enter')
  await expect(page.getByRole('dialog')).toBeVisible()
  await expectAccessible(page, 'compress')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Settings' }).click()
  await expectAccessible(page, 'settings')
  await page.getByRole('button', { name: 'Self-test' }).click()
  await page.getByRole('button', { name: 'Quick test' }).click()
  await expect(page.getByTestId('self-test')).toHaveAttribute('data-passed', 'true', patience)
  await expectAccessible(page, 'self-test')
})

test('a whole session by keyboard', async ({ page }) => {
  const press = async (key: string, times = 1) => {
    for (let i = 0; i < times; i++) await page.keyboard.press(key)
  }
  await expect(page.locator('[data-engine]')).toHaveAttribute('data-engine', 'ready')
  for (let i = 0; i < 12; i++) {
    if (
      await page.getByRole('button', { name: 'Try the sample' }).evaluate((button) => button === document.activeElement)
    )
      break
    await press('Tab')
  }
  await press('Enter')
  await readError(page)
  // Where the button was there is nothing: the list has the focus, not the body.
  await expect(page.getByRole('treegrid', { name: 'Tensors' })).toBeFocused()
  await press('Control+f')
  await page.keyboard.type('*.?_proj.weight')
  await expect(page.getByText('4 of 12 tensors shown')).toBeVisible()
  for (let i = 0; i < 12; i++) {
    if (await page.getByRole('treegrid').evaluate((grid) => grid === document.activeElement)) break
    await press('Tab')
  }
  await press('ArrowDown', 2)
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('model.layers.0.self_attn.v_proj.weight')
  await expect(page.getByRole('row', { selected: true })).toContainText('v_proj')
  await press('Space')
  await expect(page.getByRole('checkbox', { name: /self_attn\.v_proj/ })).not.toBeChecked()
  await press('Control+Enter')
  await expect(page.getByRole('dialog')).toBeVisible()
  await press('Escape')
  await expect(page.getByRole('dialog')).toBeHidden()
})

test('a screen reader is told what the curve, the map and progress show', async ({ page, folder }) => {
  commandLine('sample', join(folder, 'model.safetensors'), '--layers', '4', '--hidden', '512')
  await browse(page, 'model.safetensors')
  await readError(page)
  const curve = page.getByRole('slider', { name: 'Rank' })
  await expect(curve).toHaveAttribute('aria-valuetext', /^Rank \d+, error [\d.]+.%$/)
  await page.getByRole('separator', { name: 'Width of the list' }).focus()
  const width = Number(await page.getByRole('separator').getAttribute('aria-valuenow'))
  await page.keyboard.press('ArrowRight')
  await expect(page.getByRole('separator')).toHaveAttribute('aria-valuenow', String(width + 16))
  await page.getByRole('tab', { name: 'Model' }).click()
  await chooseGoal(page, 'Size')
  await expect(page.getByRole('progressbar', { name: 'Progress of the analysis' })).toHaveAttribute(
    'aria-valuenow',
    /[1-9]/,
    patience,
  )
  // Cells fill in before the goal has settled any rank.
  const map = page.getByRole('grid', { name: 'Map of model.safetensors' })
  await map.focus()
  await expect(map).toMatchAriaSnapshot(`
    - row:
      - gridcell /model\\.layers\\.0\\.self_attn\\.q_proj\\.weight, error [\\d.]+.% at half the bytes/ [selected]
  `)
  await expect(page.getByTestId('file-bytes')).toHaveAttribute('data-exact', 'true', patience)
  await expect(map).toMatchAriaSnapshot(`
    - row:
      - gridcell /model\\.layers\\.0\\.self_attn\\.q_proj\\.weight, Rank \\d+, error [\\d.]+.%, [\\d.]+.MB → [\\d.]+.kB/ [selected]
  `)
  const goal = page.getByRole('slider', { name: 'Size goal' })
  await expect(goal).toHaveAttribute('aria-valuetext', /^[\d.]+.%: [\d.]+.MB, [\d.]+.%$/)
})

test('the focus stays where an analysis was asked for', async ({ page }) => {
  await openSample(page)
  const card = page.getByRole('region', { name: 'Goal and outcome' })
  await card.getByRole('button', { name: /^Analyze/ }).press('Enter')
  await expect(page.getByTestId('model-error')).toBeVisible(patience)
  await expect(card).toBeFocused()
})

test('the smallest window shows everything without scrolling sideways', async ({ page }) => {
  await resize(page, 960, 640)
  await expectNoOverflow(page)
  await openSample(page)
  await expectNoOverflow(page)
  await expect(page.getByRole('button', { name: 'Compress…' })).toBeInViewport()
  await expect(page.getByRole('slider')).toBeInViewport()
  // Names, sizes and choices that would be cut off: what is cut says more than it shows.
  const cut = (selector: string) =>
    page.locator(selector).evaluateAll((all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).length)
  expect(await cut('.outcome .hero')).toBe(0)
  expect(await cut('.outcome-verdict')).toBe(0)
  expect(await cut('.figure dd')).toBe(0)
  // List and settings are a button away.
  await page.getByRole('button', { name: 'Tensors', exact: true }).click()
  await expect(page.getByRole('dialog').getByRole('treegrid', { name: 'Tensors' })).toBeVisible()
  expect(await cut('.list-number')).toBe(0)
  await expectAccessible(page, 'list in a drawer')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Settings of the factorization' }).click()
  await expect(page.getByRole('dialog').getByRole('radiogroup', { name: 'Speed' })).toBeVisible()
  await expectAccessible(page, 'settings in a drawer')
  await page.keyboard.press('Escape')
  await page.getByRole('tab', { name: 'A/B' }).click()
  expect(await cut('.ab-fields input')).toBe(0)
  await page.keyboard.press('Control+Enter')
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByRole('button', { name: 'Compress', exact: true })).toBeInViewport()
  // What becomes of the model comes first.
  await expect(dialog.getByTestId('file-bytes')).toBeInViewport()
  await expect(dialog.getByTestId('outcome')).toBeInViewport()
})

test('zoomed in, the chart keeps its height and the page scrolls', loopbackOnly, async ({ page }) => {
  // 1280 x 800 at 200 %.
  await page.setViewportSize({ width: 640, height: 400 })
  await openSample(page)
  const sideways = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  const lowest = async () => {
    const bodies = await page.locator('.chart-body').all()
    expect(bodies.length).toBeGreaterThan(0)
    for (const body of bodies) expect((await body.boundingBox())!.height).toBeGreaterThanOrEqual(180)
    expect(await sideways()).toBeLessThanOrEqual(0)
  }
  for (const lens of ['Error', 'Singular values'] as const) {
    await chooseLens(page, lens)
    await lowest()
  }
  await page.getByRole('tab', { name: 'Model' }).click()
  await lowest()
  await page.getByRole('tab', { name: 'Tensor' }).click()
  await chooseLens(page, 'Error')
  await page.getByRole('slider').scrollIntoViewIfNeeded()
  await expect(page.getByRole('slider')).toBeInViewport()
})

test('the language and the theme are chosen in the settings and kept', async ({ page }) => {
  await page.getByRole('button', { name: 'Settings' }).click()
  await page.getByText('简体中文', { exact: true }).click()
  await page.getByText('深色', { exact: true }).click()
  await expect(page.locator('html')).toHaveAttribute('lang', 'zh-CN')
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark')
  await page.reload()
  await expect(page.getByRole('button', { name: '试用示例' })).toBeVisible()
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark')
})

test('10,000 tensors are listed by drawing only those in view, and searched as one types', async ({ page, folder }) => {
  writeManyTensors(join(folder, 'many.safetensors'), 10_000)
  await browse(page, 'many.safetensors')
  await expect(page.getByText('10,000 tensors')).toBeVisible(patience)
  const rows = page.getByRole('treegrid').getByRole('row')
  // Only what is in view exists.
  expect(await rows.count()).toBeLessThan(60)
  await page.getByRole('textbox', { name: 'Search tensors' }).fill('/layers\\.33[0-9]{2}\\.conv/')
  await expect(page.getByText('33 of 10,000 tensors shown')).toBeVisible()
  await page.getByRole('textbox', { name: 'Search tensors' }).fill('/layers.(')
  await expect(page.getByText('This pattern is not complete.')).toBeVisible()
})
