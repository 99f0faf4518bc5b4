/** Two models in, an adapter out, and an adapter at other ranks: judged by a reader that knows nothing of the product. */
import { join } from 'node:path'
import type { Locator, Page } from '@playwright/test'
import { answerOpen } from '../set-up/desktop.ts'
import { desktopOf } from '../set-up/doors.ts'
import { expect, test } from '../set-up/fixtures.ts'
import { type Matrices, twoModels, writeAdapter } from './adapter-files.ts'
import { browse, chooseGoal, downloadBy, patience } from './driving.ts'
import { floats, readSafetensors } from './files.ts'

async function pickFolder(page: Page, side: 'Base' | 'Fine-tuned', name: string): Promise<void> {
  const desktop = desktopOf(page)
  if (desktop) {
    await answerOpen(desktop, name)
    await page.getByRole('button', { name: `${side}: Folder…` }).click()
  } else {
    await page.getByRole('button', { name: `${side}: Browse…` }).click()
    await page.getByRole('dialog').getByText(name, { exact: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Open this folder' }).click()
  }
  await expect(page.getByTestId(`pair-${side === 'Base' ? 'base' : 'tuned'}`)).toContainText(name)
}

/** ||D - scale B A||_F / ||D||_F over all matrices, D = tuned - base, by the formula of PEFT with alpha = r. */
function missed(path: string, base: Matrices, tuned: Matrices): number {
  const written = readSafetensors(path)
  let [off, whole] = [0, 0]
  for (const [name, { shape, values }] of tuned) {
    const module = `base_model.model.${name.replace(/\.weight$/, '')}`
    const [A, B] = ['A', 'B'].map((which) => floats(written.get(`${module}.lora_${which}.weight`)))
    const rank = A!.length / shape[1]
    const W = base.get(name)!.values
    for (let i = 0; i < values.length; i++) {
      const [row, col] = [Math.floor(i / shape[1]), i % shape[1]]
      let sum = 0
      for (let k = 0; k < rank; k++) sum += B![row * rank + k]! * A![k * shape[1] + col]!
      const D = values[i]! - W[i]!
      off += (D - sum) ** 2
      whole += D ** 2
    }
  }
  return Math.sqrt(off / whole)
}

const error = (page: Page) => page.getByTestId('model-error')

test('two folders, a verdict, a goal, an adapter that holds what the page says', async ({ page, folder }) => {
  const { base, tuned } = twoModels(folder)
  await pickFolder(page, 'Base', 'base')
  await pickFolder(page, 'Fine-tuned', 'tuned')
  await page.getByRole('button', { name: 'Compare', exact: true }).click()
  await expect(page.getByTestId('pair-verdict')).toContainText('A fine-tune', patience)
  const [band, card] = [page.locator('.difference'), page.locator('.outcome')]
  const below = async (one: Locator) => (({ y, height }) => y + height)((await one.boundingBox())!)
  expect((await card.boundingBox())!.y - (await below(band))).toBeGreaterThanOrEqual(8)
  await chooseGoal(page, 'Error')
  await page.getByRole('textbox', { name: 'Largest error' }).fill('20')
  await expect(error(page)).toHaveAttribute('data-error', /./, patience)
  await expect(page.getByTestId('pair-structure')).toHaveAttribute('data-noise', '0', patience)
  await page.getByRole('tab', { name: 'Model' }).click()
  const [hint, quantity] = [
    page.getByText('Point at a cell'),
    page.getByRole('radiogroup', { name: 'What the map shows' }),
  ]
  expect((await quantity.boundingBox())!.y).toBeLessThan((await hint.boundingBox())!.y - 100)
  const report = await downloadBy(page, () => page.getByRole('button', { name: 'Save report (HTML)' }).click())
  expect(report.bytes.toString()).toMatch(/A fine-tune[\s\S]*extract base tuned[\s\S]*q_proj/)
  await page.getByRole('button', { name: 'Extract…' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByRole('radio', { name: /PEFT/ })).toBeChecked()
  expect(await dialog.getByRole('radio', { name: /PEFT/ }).innerText()).toMatch(/PEFT \(folder\)\s\d+ modules/)
  await dialog.getByRole('button', { name: 'Extract', exact: true }).click()
  const result = page.getByTestId('run-result')
  await expect(result).toContainText('Saved and checked', patience)
  const found = missed(join(folder, 'tuned-lora', 'adapter_model.safetensors'), base, tuned)
  expect(found).toBeLessThan(0.2)
  expect(found).toBeGreaterThan(0.05)
})

test('an adapter is known as one, resized, and holds what the page says', async ({ page, folder }) => {
  const adapter = writeAdapter(join(folder, 'style.safetensors'))
  const names = [...adapter.keys()].flatMap((key) => key.match(/^(.*)\.lora_down\.weight$/)?.[1] ?? [])
  await browse(page, 'style.safetensors')
  await expect(page.getByTestId('adapter-facts')).toContainText('kohya adapter (LoRA)')
  await expect(page.getByTestId('adapter-facts')).toContainText('2 modules, rank 16, scale 1')
  await expect(page.getByTestId('job-status')).toContainText('Exact SVD', patience)
  await expect(page.getByTestId('job-status')).not.toContainText('quantization')
  await page.getByRole('textbox', { name: 'Rank', exact: true }).first().fill('4')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Resize…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Resize', exact: true }).click()
  await expect(page.getByTestId('run-result')).toContainText('Saved and checked', patience)
  const shown = Number(await page.getByTestId('run-result').getAttribute('data-relative-error'))
  const written = readSafetensors(join(folder, 'style.lora.safetensors'))
  let [off, whole] = [0, 0]
  for (const name of names) {
    const of = (file: ReadonlyMap<string, Float32Array>, rank: number) => {
      const [A, B] = [file.get(`${name}.lora_down.weight`)!, file.get(`${name}.lora_up.weight`)!]
      return Float64Array.from({ length: 128 * 96 }, (_, i) => {
        let sum = 0
        for (let k = 0; k < rank; k++) sum += B[Math.floor(i / 96) * rank + k]! * A[k * 96 + (i % 96)]!
        return sum
      })
    }
    const before = of(new Map([...adapter].map(([key, { values }]) => [key, values])), 16)
    const after = of(
      new Map([...written].flatMap(([key, each]) => (key.endsWith('alpha') ? [] : [[key, floats(each)]]))),
      4,
    )
    expect(floats(written.get(`${name}.alpha`))[0]).toBe(4)
    for (let i = 0; i < before.length; i++) {
      off += (before[i]! - after[i]!) ** 2
      whole += before[i]! ** 2
    }
  }
  expect(Math.abs(shown - Math.sqrt(off / whole))).toBeLessThan(1e-4)
})
