/** Everybody can use the page: by keyboard alone, with a screen reader, in both themes and languages. */
import { join } from 'node:path'
import type { Locator } from '@playwright/test'
import { expect, loopbackOnly, test } from '../set-up/fixtures.ts'
import { expectAccessible } from './accessible.ts'
import {
  browse,
  chooseGoal,
  chooseLens,
  commandLine,
  compareWithExact,
  openSample,
  patience,
  readError,
  tabTo,
} from './driving.ts'
import { writeManyTensors } from './files.ts'
import { overlaps } from './geometry.ts'
import { saved } from './running.ts'

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
  // Names end where their curves begin.
  expect(await overlaps(page.locator('.list'))).toEqual([])
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

test(
  'from the picker to a run, its history, and again with its settings: by keyboard alone',
  loopbackOnly,
  async ({ page, folder }) => {
    for (const name of ['another', 'model'])
      commandLine('sample', join(folder, `${name}.safetensors`), '--layers', '2', '--hidden', '256')
    const press = (key: string) => page.keyboard.press(key)
    const enter = async (target: Locator) => {
      await tabTo(page, target)
      await press('Enter')
    }
    const size = page.getByRole('textbox', { name: 'Size of the output' })
    const exact = () => expect(page.getByTestId('file-bytes')).toHaveAttribute('data-exact', 'true', patience)
    const dialog = page.getByRole('dialog')
    await enter(page.getByRole('button', { name: 'Browse this server…' }))
    // In the picker arrows lead from entry to entry; the folder holds two files.
    await tabTo(page, dialog.getByRole('button', { name: /^another\.safetensors/ }))
    await press('ArrowDown')
    await expect(dialog.getByRole('button', { name: /^model\.safetensors/ })).toBeFocused()
    await press('Enter')
    await readError(page)
    // Rank is the last of three: the arrow leads round to Size, which starts the analysis it needs.
    await tabTo(page, page.getByRole('radio', { name: 'Rank', exact: true }))
    await press('ArrowRight')
    await tabTo(page, size)
    await press('Control+a')
    await page.keyboard.type('40')
    await exact()
    await tabTo(page, page.getByRole('button', { name: /^Compare with (exact|randomized)/ }))
    await compareWithExact(page)
    await expect(page.getByTestId('excess')).toBeVisible(patience)
    // A select: opened, moved in, chosen from.
    await enter(page.getByRole('combobox', { name: 'Zoom' }))
    await expect(page.getByRole('option', { name: 'To break-even' })).toBeVisible()
    await press('ArrowDown')
    await press('Enter')
    await expect(page.getByRole('combobox', { name: 'Zoom' })).toHaveValue('To break-even')

    await press('Control+Enter')
    await tabTo(page, dialog.getByRole('textbox', { name: 'File name' }))
    await press('Control+a')
    await page.keyboard.type('forty.safetensors')
    await enter(dialog.getByRole('button', { name: 'Write anyway' }))
    await saved(page)
    await size.focus()
    await press('Control+a')
    await page.keyboard.type('60')
    await exact()

    await enter(page.getByRole('button', { name: 'History', exact: true }))
    await enter(page.getByRole('button', { name: 'More about forty.safetensors' }))
    const again = page.getByRole('menuitem', { name: 'Run again with its settings…' })
    for (let i = 0; i < 12 && !(await again.evaluate((item) => item === document.activeElement)); i++)
      await press('ArrowDown')
    await press('Enter')
    await exact()
    await expect(size).toHaveValue('40')
  },
)

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

test('"?" lists the keys, and what is dragged over the workbench is told where it may be dropped', async ({ page }) => {
  await openSample(page)
  // Where the focus is on a choice that was just made by a click, too: it takes no letters.
  await chooseGoal(page, 'Error')
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await page.keyboard.press('Control+z')
  await expect(page.getByRole('radio', { name: 'Rank', exact: true })).toBeChecked()
  const over = (type: string, files: boolean) =>
    page.evaluate(
      ([name, withFile]) => {
        const dataTransfer = new DataTransfer()
        if (withFile) dataTransfer.items.add(new File(['x'], 'w.npy'))
        else dataTransfer.setData('text/plain', 'a selected word')
        document
          .querySelector('.app')!
          .dispatchEvent(new DragEvent(name, { bubbles: true, cancelable: true, dataTransfer }))
      },
      [type, files] as const,
    )
  const highlight = page.locator('.drop-highlight')
  await over('dragenter', true)
  await expect(highlight).toBeVisible()
  await over('dragleave', true)
  await expect(highlight).toHaveCount(0)
  // Text is no file: nothing is offered, and nothing is said of it when it falls.
  await over('dragenter', false)
  await expect(highlight).toHaveCount(0)
  await over('drop', false)
  await expect(page.getByRole('alert')).toHaveCount(0)
})

test('the focus stays where an analysis was asked for', async ({ page }) => {
  await openSample(page)
  const card = page.getByRole('region', { name: 'Goal and outcome' })
  await card.getByRole('button', { name: /^Analyze/ }).press('Enter')
  await expect(page.getByTestId('model-error')).toBeVisible(patience)
  await expect(card).toBeFocused()
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
