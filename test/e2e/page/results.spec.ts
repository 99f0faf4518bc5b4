/** What is done with finished runs: looked at, fetched, held against each other. By keyboard, and as a screen reader has it. */
import { readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { desktopOf } from '../set-up/doors.ts'
import { expect, test } from '../set-up/fixtures.ts'
import { expectAccessible } from './accessible.ts'
import { downloadBy, patience, tabTo } from './driving.ts'
import { unevenness } from './geometry.ts'
import { compress, openIn, runLine, saved } from './running.ts'

test('two runs: the details of one stay open when the other ends, its output is fetched, and both are compared', async ({
  page,
  folder,
}) => {
  test.slow()
  // The second run has to be at work until the details of the first are open.
  await openIn(folder, page, 10, 512)
  await compress(page, 'first.safetensors')
  await saved(page)
  await expect(page.locator('.outcome-line-verdict')).toContainText('Large change.')
  expect(await unevenness(page.locator('.outcome-line'))).toBeLessThan(1)
  await page.getByRole('textbox', { name: 'Rank', exact: true }).fill('24')
  await compress(page, 'second.safetensors')
  await expect(runLine(page)).toHaveAttribute('data-run', 'running', patience)

  await page.getByRole('button', { name: 'Details' }).press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Run details: first.safetensors' })
  await expect(dialog).toBeVisible()
  // The strip makes room for the run that ends; what was opened stays.
  await expect(page.getByTestId('run-result')).toHaveCount(1)
  await expect(page.getByTestId('run').locator('visible=true').first()).toContainText('second.safetensors', patience)
  await expect(page.locator('[data-testid=run][data-run=running]')).toHaveCount(0, patience)
  await expect(dialog).toBeVisible()
  await expect(dialog.getByTestId('run-verify')).toContainText('# GhostSVD measured 0.')
  await expectAccessible(page, 'details of a run')
  if (!desktopOf(page)) {
    const fetched = await downloadBy(page, async () => {
      await tabTo(page, dialog.getByRole('button', { name: 'Download' }))
      await page.keyboard.press('Enter')
    })
    expect(fetched.name).toBe('first.safetensors')
    expect(fetched.bytes.equals(readFileSync(join(folder, 'first.safetensors')))).toBe(true)
  }
  await page.keyboard.press('Escape')
  await expect(dialog).toBeHidden()

  await tabTo(page, page.getByRole('button', { name: 'History', exact: true }))
  await page.keyboard.press('Enter')
  await expectAccessible(page, 'history')
  for (const name of ['first', 'second']) {
    await tabTo(page, page.getByRole('checkbox', { name: `Compare ${name}.safetensors` }))
    await page.keyboard.press('Space')
  }
  const compared = page.getByTestId('compare-runs')
  await expect(compared.getByRole('heading')).toHaveText(
    /^A is [\d.]+.MB larger; its model error is [\d.]+ points lower\.$/,
  )
  await expect(compared.getByRole('row', { name: /^Model error/ })).toContainText(/[\d.]+.%.*[\d.]+.%.*−[\d.]+ points/)
  // One bar scrolls it: nothing that is there for readers alone makes the page longer than its window.
  expect(await page.evaluate(() => document.documentElement.scrollHeight - innerHeight)).toBeLessThanOrEqual(0)
  // Both as points of size and error; the curve of other sizes is known of runs for a goal.
  const chart = compared.getByRole('figure', { name: 'Runs of model.safetensors by size and error' })
  await expect(chart.locator('.chart-dot-name')).toHaveText(['B', 'A'])
  await expect(compared).toContainText('Only runs with a size, error or energy goal have a curve')
  await expectAccessible(page, 'two runs')

  // An output that is elsewhere now is told, not offered.
  renameSync(join(folder, 'first.safetensors'), join(folder, 'moved.safetensors'))
  await page.reload()
  await page.getByRole('button', { name: 'History', exact: true }).click()
  await expect(page.getByTestId('history-row').filter({ hasText: 'first.safetensors' })).toContainText(
    'moved or deleted',
  )
})
