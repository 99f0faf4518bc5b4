/** The settings beside a tensor: what is typed, what is refused, and the way back. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '../set-up/fixtures.ts'
import { chooseGoal, choosePreset, openSample, readError, resize, setAdvanced } from './driving.ts'

test('a number that was cleared is the old one again once the field is left', async ({ page }) => {
  await openSample(page)
  const error = await readError(page)
  const rank = page.getByRole('textbox', { name: 'Rank', exact: true })
  await rank.fill('')
  await expect(rank).toHaveValue('')
  await page.keyboard.press('Tab')
  await expect(rank).toHaveValue('64')
  expect(await readError(page)).toBe(error)
  await chooseGoal(page, 'Size')
  const size = page.getByRole('textbox', { name: 'Size of the output' })
  const before = await size.inputValue()
  await size.fill('')
  await page.keyboard.press('Tab')
  await expect(size).toHaveValue(before)
  // Neither nothing nor more than all is a goal, and what was typed does not go back in silence.
  for (const typed of ['0', '150']) {
    await size.fill(typed)
    await page.keyboard.press('Tab')
    await expect(size).toHaveValue(before)
    await expect(page.getByText(/^0\.001 to 99\.999$/)).toBeVisible()
  }
  // By hand: a double click beside the number takes it whole, and no key is lost to what the one before it sets.
  await chooseGoal(page, 'Error')
  const largest = page.getByRole('textbox', { name: 'Largest error' })
  await largest.fill('5')
  await page.keyboard.press('Tab')
  await largest.dblclick({ delay: 40, position: { x: 36, y: 15 } })
  await page.keyboard.type('10')
  await expect(largest).toHaveValue(/^10.%$/)
  await expect(page.getByTestId('outcome')).not.toContainText('Planned with other settings.')
  // Of 1055 % the beginnings are goals too, and nobody meant them.
  await page.keyboard.type('55')
  await page.keyboard.press('Enter')
  await expect(page.getByText(/^0\.001.% to 100.%$/)).toBeVisible()
  await page.keyboard.press('Tab')
  await expect(largest).toHaveValue(/^5.%$/)
  await expect(page.getByText(/^0\.001.% to 100.%$/)).toBeVisible()
})

test('what is pasted into a field of numbers is that number or none', async ({ page }) => {
  await openSample(page)
  await chooseGoal(page, 'Size')
  const size = page.getByRole('textbox', { name: 'Size of the output' })
  const put = async (text: string, field = size) => {
    await field.selectText()
    await field.evaluate((input, pasted) => {
      const clipboardData = new DataTransfer()
      clipboardData.setData('text', pasted)
      input.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
    }, text)
  }
  for (const [text, number] of [
    ['4,5', '4.5'],
    ['40 %', '40'],
    ['1e1', '10'],
    ['４０', '40'],
  ] as const) {
    await put(text)
    await expect(size).toHaveValue(number)
  }
  const standing = await size.inputValue()
  for (const text of ['-5', '1.5.2', '50MB', 'ten']) {
    await put(text)
    await expect(size).toHaveValue(standing)
    await expect(page.getByText('Not a number.', { exact: true })).toBeVisible()
  }
  // Key by key, as a keyboard with a comma writes it.
  await size.selectText()
  await page.keyboard.type('7,25')
  await expect(size).toHaveValue('7.25')
  await expect(page.getByText('Not a number.', { exact: true })).toBeHidden()
  const oversampling = page.getByRole('textbox', { name: 'Oversampling' })
  await put('2,5', oversampling)
  await expect(oversampling).toHaveValue('10')
  await expect(page.getByText('Not a whole number.')).toBeVisible()
  await put('1e2', oversampling)
  await expect(oversampling).toHaveValue('100')
})

test('what nobody ticked is said to be left out, not to be what cannot be compressed', async ({ page }) => {
  await openSample(page)
  const footer = page.locator('.list-footer')
  await expect(footer).toContainText('7 can be compressed')
  // All, then none.
  const all = page.getByRole('checkbox', { name: /^Compress all \d+ shown$/ })
  await all.click()
  await expect(footer).toContainText('9 can be compressed')
  await all.click()
  await expect(footer).toContainText('0 of 7 ticked')
  await expect(page.getByTestId('outcome')).toContainText('Every tensor is left out by choice')
  await expect(page.getByTestId('outcome')).toContainText('a matrix is factorized if you tick it')
})

test('why a recipe was refused is in view', async ({ page, folder }) => {
  await resize(page, 960, 640)
  await openSample(page)
  await page.getByRole('button', { name: 'Settings of the factorization' }).click()
  const file = join(folder, 'bad.recipe.json')
  writeFileSync(file, '{"recipe": 1, "params": {"rank": "many"}}')
  await page.getByTestId('recipe').setInputFiles(file)
  await expect(page.getByRole('alert')).toContainText('bad.recipe.json')
  await expect(page.getByRole('alert')).toBeInViewport({ ratio: 0.99 })
})

test('parameters go back to their defaults, and with them the result', async ({ page }) => {
  await openSample(page)
  const error = await readError(page)
  await choosePreset(page, 'Fast')
  await setAdvanced(page, 'Seed', 7)
  await chooseGoal(page, 'Error')
  await page.getByRole('button', { name: 'Reset to defaults' }).click()
  await expect(page.getByRole('textbox', { name: 'Rank', exact: true })).toHaveValue('64')
  await expect(page.getByRole('textbox', { name: 'Seed' })).toHaveValue('42')
  expect(await readError(page)).toBe(error)
  await expect(page.getByRole('button', { name: 'Reset to defaults' })).toBeFocused()
})
