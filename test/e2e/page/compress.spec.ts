/** From a choice to a file: written, checked, and checked again by a reader that knows nothing of the product. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, loopbackOnly, test } from '../set-up/fixtures.ts'
import { chooseGoal, chooseTensor, patience, readError } from './driving.ts'
import { floats, readSafetensors, squaredResidual } from './files.ts'
import { cancelRun, compress, finishSome, openIn, saved, slowly } from './running.ts'

test('a compressed file holds what the page says, by an independent reader', async ({ page, folder }) => {
  const source = await openIn(folder, page, 1, 256)
  await compress(page)
  const result = page.getByTestId('run-result')
  await expect(result).toContainText(/Saved and checked.*[\d.]+\sMB.*[\d.]+\s%\s*model error/s, patience)

  const before = readSafetensors(source)
  const after = readSafetensors(join(folder, 'model.lowrank.safetensors'))
  let weighted = 0
  let entries = 0
  for (const [name, tensor] of before) {
    const A = after.get(`${name}.lowrank_A`)
    if (tensor.shape.length === 2) entries += tensor.bytes.length / 4
    if (!A) {
      expect(after.get(name)?.bytes).toEqual(tensor.bytes)
      continue
    }
    const rank = A.shape[0]!
    expect(rank).toBe(64)
    const [lost, total] = squaredResidual(floats(tensor), floats(after.get(`${name}.lowrank_B`)), floats(A), rank)
    weighted += (tensor.bytes.length / 4) * (lost / total)
  }
  const shown = Number(await result.getAttribute('data-relative-error'))
  expect(Math.abs(shown - Math.sqrt(weighted / entries))).toBeLessThan(1e-6)
  // The card says what was measured of just these choices, and of no others.
  const card = page.getByTestId('outcome')
  await expect(card).toContainText('As measured in model.lowrank.safetensors.')
  await expect(card.getByTestId('model-error')).toHaveAttribute('data-error', String(shown))
  await page.getByRole('textbox', { name: 'Rank', exact: true }).fill('63')
  await expect(card).toContainText('Model error not known')
  // Nothing half written stays behind.
  expect(readdirSync(folder).sort()).toEqual(['model.lowrank.safetensors', 'model.safetensors'])
})

test('what was left out is kept, what was taken in is compressed, and the bar says so before', async ({
  page,
  folder,
}) => {
  await openIn(folder, page, 1, 256)
  const bytes = page.getByTestId('file-bytes')
  const planned = Number(await bytes.getAttribute('data-after'))
  await page.getByRole('checkbox', { name: 'Compress model.layers.0.mlp.up_proj.weight' }).uncheck()
  expect(Number(await bytes.getAttribute('data-after'))).toBeGreaterThan(planned)
  // The header is not counted: until the model was analyzed the size is not exact, and says so.
  await expect(bytes).toContainText(/about [\d.]+\s\wB/)
  await chooseTensor(page, 'model.embed_tokens.weight')
  await page.getByRole('treegrid', { name: 'Tensors' }).focus()
  await page.keyboard.press('Space')
  await expect(page.getByRole('checkbox', { name: 'Compress model.embed_tokens.weight' })).toBeChecked()
  await compress(page)
  await expect(page.getByTestId('run-result')).toBeVisible(patience)
  const written = readSafetensors(join(folder, 'model.lowrank.safetensors'))
  expect(written.has('model.layers.0.mlp.up_proj.weight')).toBe(true)
  expect(written.has('model.embed_tokens.weight.lowrank_A')).toBe(true)
  await page.getByRole('button', { name: 'Details' }).click()
  await expect(page.getByRole('dialog').getByRole('row', { name: /embed_tokens/ })).toContainText('64')
})

test('a run survives a reload of the page', async ({ page, folder }) => {
  await openIn(folder, page, 4, 512)
  await compress(page)
  await expect(page.getByTestId('run')).toBeVisible()
  await page.reload()
  await expect(page.getByTestId('run-result')).toContainText('Saved and checked', patience)
  // The file is open again as well.
  await readError(page)
  expect(existsSync(join(folder, 'model.lowrank.safetensors'))).toBe(true)
})

test('a cancelled run leaves no file', async ({ page, folder }) => {
  await openIn(folder, page, 12, 512)
  await slowly(page)
  await compress(page)
  await finishSome(page)
  await cancelRun(page, 'Discard')
  await expect(page.getByText('Cancelled: model.lowrank.safetensors was not written.')).toBeVisible(patience)
  await expect.poll(() => readdirSync(folder)).toEqual(['model.safetensors'])
})

test(
  'nothing is overwritten: what is in the way is said before anything is begun, and a free name is proposed',
  loopbackOnly,
  async ({ page, folder }) => {
    await openIn(folder, page, 1, 256)
    mkdirSync(join(folder, 'outputs'))
    await page.keyboard.press('Control+Enter')
    const dialog = page.getByRole('dialog')
    const name = dialog.getByRole('textbox', { name: 'File name' })
    const start = dialog.getByRole('button', { name: /^(Compress|Write anyway)$/ })
    // By keyboard: after a folder was entered the focus is in it, and after Esc where it was before.
    await page.keyboard.press('Escape')
    const open = page.getByRole('button', { name: 'Compress…' })
    await open.press('Enter')
    await dialog.getByRole('button', { name: 'outputs' }).press('Enter')
    await expect(dialog).toContainText('No folders inside this one.')
    await expect(dialog.getByRole('region', { name: 'Contents of this folder' })).toBeFocused()
    await page.keyboard.press('Escape')
    await expect(open).toBeFocused()
    await open.press('Enter')
    await dialog.getByText('outputs', { exact: true }).click()
    await expect(name).toHaveValue('model.lowrank.safetensors')
    await start.click()
    await saved(page)
    // The folder is chosen already, and the name is another one.
    await page.keyboard.press('Control+Enter')
    await expect(dialog.locator('.trail')).toContainText('outputs')
    await expect(name).toHaveValue('model-rank64.lowrank.safetensors')
    await name.fill('model.lowrank.safetensors')
    await expect(dialog).toContainText('There is a model.lowrank.safetensors in this folder already.')
    await expect(name).toHaveAttribute('aria-invalid', 'true')
    await expect(start).toBeDisabled()
    // One that came after the folder was listed is found by the host, and nothing is begun either.
    await name.fill('late.safetensors')
    await expect(start).toBeEnabled()
    writeFileSync(join(folder, 'outputs', 'late.safetensors'), 'precious')
    await start.click()
    await expect(dialog.getByRole('alert')).toContainText('late.safetensors exists already.')
    await name.fill('mine.safetensors')
    await start.click()
    await expect(dialog).toBeHidden()
    const strip = page.getByTestId('run')
    await expect(strip.filter({ hasText: 'mine.safetensors' })).toContainText('Saved and checked', patience)
    // The chart keeps its room: the newest is shown, and the way to the other.
    await expect(strip).toHaveCount(1)
    await page.getByRole('button', { name: '1 more in History' }).click()
    await expect(page.getByTestId('history-row')).toHaveCount(2)
    await expect(page.locator('[data-run="failed"]')).toHaveCount(0)
    expect(readFileSync(join(folder, 'outputs', 'late.safetensors'), 'utf8')).toBe('precious')
  },
)

test('an error goal finds each rank, and the run keeps to it', async ({ page, folder }) => {
  await openIn(folder, page, 1, 256)
  await chooseGoal(page, 'Error')
  await page.getByRole('textbox', { name: 'Largest error' }).fill('40')
  const shown = await readError(page)
  expect(shown).toBeLessThanOrEqual(0.4)
  await expect(page.getByTestId('file-bytes')).toHaveAttribute('data-exact', 'true', patience)
  await compress(page)
  await expect(page.getByTestId('run-result')).toContainText('Saved and checked', patience)
  const written = readSafetensors(join(folder, 'model.lowrank.safetensors'))
  const name = 'model.layers.0.self_attn.q_proj.weight'
  await chooseTensor(page, name)
  const rank = await page.getByTestId('relative-error').getAttribute('data-rank')
  expect(written.get(`${name}.lowrank_A`)?.shape[0]).toBe(Number(rank))
})
