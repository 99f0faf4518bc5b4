/** Nothing is cut, covered or beyond an edge: in the smallest window, zoomed in, beside scroll bars. */
import type { Locator, Page } from '@playwright/test'
import { expect, loopbackOnly, test } from '../set-up/fixtures.ts'
import { expectAccessible } from './accessible.ts'
import { chooseGoal, chooseLens, openSample, patience, resize } from './driving.ts'
import { cutTexts, overlaps } from './geometry.ts'
import { saved } from './running.ts'

// A headless browser hides the scroll bars that everybody else sees, and the place that they take.
test.use({
  launchOptions: [
    ({ launchOptions }, use) => use({ ...launchOptions, ignoreDefaultArgs: ['--hide-scrollbars'] }),
    { scope: 'worker' },
  ],
})

async function expectNoOverflow(page: Page): Promise<void> {
  const overflow = await page.evaluate(() => {
    const { scrollWidth, clientWidth, scrollHeight, clientHeight } = document.documentElement
    return [scrollWidth - clientWidth, scrollHeight - clientHeight]
  })
  expect(overflow).toEqual([0, 0])
}

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
  await expect(dialog.getByRole('button', { name: /^(Compress|Write anyway)$/ })).toBeInViewport()
  // What becomes of the model comes first.
  await expect(dialog.getByTestId('file-bytes')).toBeInViewport()
  await expect(dialog.getByTestId('outcome')).toBeInViewport()
})

test('columns scroll one way, and what stands in them stands clear of its neighbors', async ({ page }) => {
  await resize(page, 1280, 775)
  await openSample(page)
  expect(await overlaps(page.locator('.list'))).toEqual([])
  expect(await cutTexts(page.locator('.tensor-tail'))).toEqual([])
  // Columns have their names above them, beside a bar as well.
  await resize(page, 1280, 640)
  expect(await page.locator('.list-rows').evaluate((one) => one.scrollHeight - one.clientHeight)).toBeGreaterThan(0)
  const end = async (one: Locator) => (({ x, width }) => x + width)((await one.boundingBox())!)
  expect(await end(page.locator('.list-columns .list-number').last())).toBe(
    await end(page.locator('.tensor-row .list-number').last()),
  )
  await resize(page, 1280, 775)
  // Two ways to choose a file are a line, and the longer settings below it take no second for them.
  const [first, second] = await page.locator('.settings .model-picker button').all()
  expect((await second!.boundingBox())!.y).toBe((await first!.boundingBox())!.y)
  await page.getByRole('button', { name: 'Advanced' }).click()
  await expect(page.getByRole('textbox', { name: 'Seed' })).toBeVisible()
  for (const column of ['.settings', '.list-rows', '.centre'])
    expect(await page.locator(column).evaluate((one) => one.scrollWidth - one.clientWidth), column).toBe(0)
  expect(await overlaps(page.locator('.workbench'))).toEqual([])
})

test(
  'in the smallest window at 200 % nothing that is said or pressed lies beyond an edge',
  loopbackOnly,
  async ({ page }) => {
    await page.setViewportSize({ width: 480, height: 320 })
    await openSample(page)
    /** Texts and buttons that end beyond what scrolls around them, or beyond the page. */
    const beyond = (within: Locator) =>
      within.evaluate((root) => {
        const edge = Math.min(root.getBoundingClientRect().right, innerWidth)
        const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT)
        const out: string[] = []
        while (texts.nextNode()) {
          const range = document.createRange()
          range.selectNodeContents(texts.currentNode)
          const shown = texts.currentNode.parentElement?.checkVisibility({ opacityProperty: true })
          if (shown && range.getBoundingClientRect().right > edge + 0.5) out.push(texts.currentNode.textContent!)
        }
        return out
      })
    await page.getByRole('tab', { name: 'A/B' }).click()
    expect(await beyond(page.locator('.ab-side').first())).toEqual([])
    await page.getByRole('tab', { name: 'Model' }).click()
    await chooseGoal(page, 'Size')
    await expect(page.locator('.engine-badge')).toContainText('Analysis')
    expect(await beyond(page.locator('.header'))).toEqual([])
    const sideways = () => document.documentElement.scrollWidth - document.documentElement.clientWidth
    expect(await page.evaluate(sideways)).toBe(0)
    await expect(page.getByTestId('file-bytes')).toHaveAttribute('data-exact', 'true', patience)
    expect(await beyond(page.locator('.workbench'))).toEqual([])
    await page.keyboard.press('Control+Enter')
    const dialog = page.getByRole('dialog')
    await expect(dialog.getByTestId('forecast')).toBeVisible()
    expect(await beyond(dialog)).toEqual([])
    expect(await overlaps(dialog)).toEqual([])
    await dialog.getByRole('button', { name: /^(Compress|Write anyway)$/ }).scrollIntoViewIfNeeded()
    await expect(dialog.getByRole('button', { name: /^(Compress|Write anyway)$/ })).toBeInViewport({ ratio: 1 })
  },
)

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
  // What stands beside the name gives way before it.
  expect(await cutTexts(page.locator('.file-name'))).toEqual([])
  for (const lens of ['Error', 'Singular values'] as const) {
    await chooseLens(page, lens)
    await lowest()
  }
  await page.getByRole('tab', { name: 'Model' }).click()
  await lowest()
  // One bar, and that of the page.
  await page.getByRole('tab', { name: 'A/B' }).click()
  expect(await page.locator('.ab').evaluate((one) => one.scrollHeight - one.clientHeight)).toBeLessThanOrEqual(0)
  await page.getByRole('tab', { name: 'Tensor' }).click()
  await chooseLens(page, 'Error')
  await page.getByRole('slider').scrollIntoViewIfNeeded()
  await expect(page.getByRole('slider')).toBeInViewport()

  // Where and under which name it is written is seen without scrolling in a window of this width.
  await page.setViewportSize({ width: 800, height: 640 })
  await page.keyboard.press('Control+Enter')
  const name = page.getByRole('dialog').getByRole('textbox', { name: 'File name' })
  await expect(name).toBeInViewport({ ratio: 1 })
  await expect(page.getByRole('dialog').getByText('Folder', { exact: true })).toBeInViewport({ ratio: 1 })
  // At 200 % its foot covers nothing, and a long size leaves the error beside it its place.
  await page.setViewportSize({ width: 640, height: 400 })
  expect(await overlaps(page.getByRole('dialog'))).toEqual([])
  await page.setViewportSize({ width: 800, height: 640 })
  await name.fill('an-output-with-a-name.safetensors')
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /^(Compress|Write anyway)$/ })
    .click()
  await saved(page)
  await page.setViewportSize({ width: 640, height: 400 })
  await page.getByRole('button', { name: 'History', exact: true }).click()
  const target = page.locator('.history-target')
  await expect(target).toHaveText('an-output-with-a-name.safetensors')
  expect(await target.evaluate((one) => one.scrollWidth - one.clientWidth)).toBe(0)
  expect(await sideways()).toBeLessThanOrEqual(0)
})
