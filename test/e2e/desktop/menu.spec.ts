/** What the menu asks of the page, and in which language. */
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { patience } from '../page/driving.ts'
import { writeNoise } from '../page/files.ts'
import { answerOpen, type Desktop } from '../set-up/desktop.ts'
import { expect, test } from '../set-up/fixtures.ts'

const shows = (page: Page, name: string) => expect(page.locator('.file-name')).toHaveText(name, patience)

/** Clicks an item of the application's menu, by the labels on the way to it. */
function choose({ application }: Desktop, ...labels: string[]): Promise<void> {
  return application.evaluate(({ Menu }, way) => {
    let items = Menu.getApplicationMenu()!.items
    for (const [i, label] of way.entries()) {
      const item = items.find((one) => one.label === label)
      if (!item) throw new Error(`no ${label} among ${items.map((one) => one.label).join(', ')}`)
      if (i === way.length - 1) item.click()
      items = item.submenu?.items ?? []
    }
  }, labels)
}
const labelsOf = ({ application }: Desktop) =>
  application.evaluate(({ Menu }) => Menu.getApplicationMenu()!.items.map(({ label }) => label))

test('the menu opens, closes and opens again, and forgets', async ({ page, desktop, folder }) => {
  writeNoise(join(folder, 'one.npy'), 64)
  await answerOpen(desktop!, 'one.npy')
  await choose(desktop!, 'File', 'Open File…')
  await shows(page, 'one.npy')
  await choose(desktop!, 'File', 'Close File')
  await expect(page.getByText('Drop a weight file or model folder')).toBeVisible()
  await expect(page.getByRole('region', { name: 'Recent' }).getByRole('button')).toHaveCount(1)
  await choose(desktop!, 'File', 'Open Recent', 'one.npy')
  await shows(page, 'one.npy')
  await choose(desktop!, 'File', 'Settings…')
  await expect(page.getByRole('radiogroup', { name: 'Language' })).toBeVisible()
  await choose(desktop!, 'File', 'Open Recent', 'Clear Menu')
  await choose(desktop!, 'File', 'Close File')
  await expect(page.getByText('Drop a weight file or model folder')).toBeVisible()
  await expect(page.getByRole('region', { name: 'Recent' })).toHaveCount(0)
})

test('the menu speaks the language of the settings, at once', async ({ page, desktop }) => {
  expect(await labelsOf(desktop!)).toContain('File')
  await choose(desktop!, 'File', 'Settings…')
  await page.getByRole('radiogroup', { name: 'Language' }).getByText('中文').click()
  await expect.poll(() => labelsOf(desktop!)).toEqual(['文件', '编辑', '视图', '帮助'])
})

test('what cannot be opened leaves the file that is open, with a sentence', async ({ page, desktop, folder }) => {
  writeNoise(join(folder, 'one.npy'), 64)
  await answerOpen(desktop!, 'one.npy')
  await choose(desktop!, 'File', 'Open File…')
  await shows(page, 'one.npy')
  await desktop!.application.evaluate(
    ({ app }, path) => {
      app.emit('open-file', { preventDefault: () => {} }, path)
    },
    join(folder, 'absent.npy'),
  )
  await expect(page.getByText('absent.npy was not found.')).toBeVisible()
  await shows(page, 'one.npy')
})
