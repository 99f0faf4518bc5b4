/** The report to hand on, opened by itself: its own policy lets its script sort, and nothing is missing that a network would bring. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, loopbackOnly, test } from '../set-up/fixtures.ts'
import { commandLine } from './driving.ts'

test(
  'a report sorts its table under its own policy, offline and in the dark',
  loopbackOnly,
  async ({ browser, folder }) => {
    const [source, report] = [join(folder, 'model.safetensors'), join(folder, 'report.html')]
    commandLine('sample', source, '--layers', '2', '--hidden', '256')
    commandLine('compress', source, '--out', join(folder, 'out.safetensors'), '--report-html', report)
    const context = await browser.newContext({ colorScheme: 'dark', offline: true })
    const page = await context.newPage()
    const faults: string[] = []
    page.on('pageerror', ({ message }) => faults.push(message))
    page.on('console', (said) => said.type() === 'error' && faults.push(said.text()))
    await page.goto(pathToFileURL(report).href)
    const ranks = page.locator('tbody tr td:nth-child(2)')
    const kept = await ranks.filter({ hasText: 'kept' }).count()
    const head = page.getByRole('columnheader', { name: 'Error' })
    await head.getByRole('button').click()
    await expect(head).toHaveAttribute('aria-sort', 'ascending')
    await expect(ranks.first()).toHaveText('kept')
    await head.getByRole('button').click()
    await expect(ranks.first()).not.toHaveText('kept')
    expect(kept).toBeGreaterThan(0)
    expect(await page.locator('body').evaluate((body) => getComputedStyle(body).backgroundColor)).toBe(
      'rgb(26, 28, 33)',
    )
    expect(faults).toEqual([])
    await context.close()
  },
)
