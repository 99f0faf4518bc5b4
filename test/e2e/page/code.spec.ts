/** Code in a file of weights: said above everything else, never run, and left behind by a safe copy. All of it by keyboard. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { answerSave } from '../set-up/desktop.ts'
import { desktopOf } from '../set-up/doors.ts'
import { expect, test } from '../set-up/fixtures.ts'
import { expectAccessible } from './accessible.ts'
import { browse, patience, tabTo } from './driving.ts'
import { maliciousCheckpoint, readSafetensors } from './files.ts'

test('a checkpoint with code is opened under a banner that stays, and saved without the code', async ({
  page,
  folder,
}) => {
  const source = maliciousCheckpoint()
  writeFileSync(join(folder, 'attack.pt'), source)
  await browse(page, 'attack.pt')
  const banner = page.getByTestId('code-banner')
  await expect(banner).toContainText(
    'This file would run posix.system when loaded with torch.load. GhostSVD did not run it.',
    patience,
  )
  await expect(banner).toHaveAttribute('role', 'alert')
  await expect(page.getByText('No code found')).toHaveCount(0)
  // It cannot be dismissed: there is the way out of the file, and the way on without the code.
  await expect(banner.getByRole('button')).toHaveText(['Close file', 'Save a safe copy…'])
  await expectAccessible(page, 'banner')

  const desktop = desktopOf(page)
  if (desktop) await answerSave(desktop, 'attack.safe.safetensors')
  await tabTo(page, banner.getByRole('button', { name: 'Save a safe copy…' }))
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog')
  const save = dialog.getByRole('button', { name: 'Save', exact: true })
  await expect(save).toBeEnabled()
  await expectAccessible(page, 'safe copy')
  await tabTo(page, save)
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('safe-copy')).toContainText('Saved and checked: attack.safe.safetensors', patience)

  const copy = readSafetensors(join(folder, 'attack.safe.safetensors'))
  expect([...copy.keys()].toSorted()).toEqual(['layers.0.k_proj.weight', 'layers.0.q_proj.weight'])
  for (const { bytes } of copy.values()) expect(Buffer.from(source).includes(Buffer.from(bytes))).toBe(true)

  await tabTo(page, dialog.getByRole('button', { name: 'Open the copy' }))
  await page.keyboard.press('Enter')
  await expect(page.locator('.file-name')).toHaveText('attack.safe.safetensors', patience)
  await expect(banner).toHaveCount(0)
  expect(existsSync(join(folder, 'attack.pt'))).toBe(true)
})
