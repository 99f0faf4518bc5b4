/**
 * A walk through every screen in every state, in either language: what `npm run states` takes pictures of. It drives the built
 * page with its real engine, and leaves its host dead at the end.
 */
import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type Page } from '@playwright/test'
import { twoModels, writeAdapter } from '../page/adapter-files.ts'
import { commandLine, heldEngine } from '../page/driving.ts'
import { maliciousCheckpoint, writeManyTensors, writeNoise } from '../page/files.ts'
import { classifier, samples } from '../page/onnx-files.ts'
import type { ServingProcess } from './serving.ts'
import { root } from './serving.ts'

export type Language = 'en' | 'zh-CN'

/** Pictures may be taken while others use the machine. */
const patience = { timeout: 300_000 }

export interface Tour {
  readonly page: Page
  /** The host may read and write here. */
  readonly folder: string
  readonly server: ServingProcess
  readonly language: Language
  /** The page stands still here: a picture of this state. */
  readonly shot: (name: string) => Promise<void>
}

/** A text of the page in its language; what it has filled in may be anything. */
type Words = (key: string) => RegExp

function wordsOf(language: Language): Words {
  const file = join(root, `renderer/words/${language}.json`)
  const words = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  return (key) => {
    const text = key.split('.').reduce<unknown>((at, part) => (at as Record<string, unknown>)?.[part], words)
    if (typeof text !== 'string') throw new Error(`${language} has no text ${key}`)
    const parts = text.split(/\{\{\w+\}\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    return new RegExp(`^${parts.join('.*')}$`)
  }
}

/** Files of every kind the tour opens. */
function furnish(folder: string): void {
  commandLine('sample', join(folder, 'model.safetensors'), '--layers', '6', '--hidden', '512')
  writeNoise(join(folder, 'noise.npy'), 5120)
  writeManyTensors(join(folder, 'many.safetensors'), 9000)
  writeFileSync(join(folder, 'damaged.safetensors'), readFileSync(join(folder, 'model.safetensors')).subarray(0, 2e6))
  writeFileSync(join(folder, 'attack.pt'), maliciousCheckpoint())
  writeFileSync(join(folder, 'classifier.onnx'), classifier())
  writeFileSync(join(folder, 'samples.npz'), samples(1000, 16))
  twoModels(folder)
  writeAdapter(join(folder, 'style.safetensors'))
}

export async function walk({ page, folder, server, language, shot }: Tour): Promise<void> {
  furnish(folder)
  const words = wordsOf(language)
  const button = (key: string) => page.getByRole('button', { name: words(key) })
  const tab = (key: string) => page.getByRole('tab', { name: words(key) }).click()
  const settled = () => expect(page.getByTestId('relative-error')).toHaveAttribute('data-stale', 'false', patience)
  const exact = async () => {
    await expect(page.getByTestId('file-bytes')).toHaveAttribute('data-exact', 'true', patience)
    await expect(page.getByTestId('trade-off-wait')).toBeHidden(patience)
  }
  const goal = (key: string) => page.locator('.goal .mantine-SegmentedControl-label', { hasText: words(key) }).click()
  const home = async () => {
    if (await button('header.openOther').isVisible()) await button('header.openOther').click()
  }
  const open = async (name: string) => {
    await home()
    await button('start.browse').click()
    await page.getByRole('dialog').getByText(name, { exact: true }).click()
  }
  const history = () => button('history.title').click()
  const back = () => button('header.back').click()
  const compress = async (name: string) => {
    await page.keyboard.press('Control+Enter')
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('textbox').last().fill(name)
    return dialog
  }
  const write = async (name: string) => {
    const dialog = await compress(name)
    await dialog
      .getByRole('button', { name: new RegExp(`${words('compress.start').source}|${words('compress.anyway').source}`) })
      .click()
    await expect(dialog).toBeHidden(patience)
  }
  const run = () => page.getByTestId('run').first()

  await page.goto(server.url)
  await page.locator('[data-engine="ready"]').waitFor()
  await shot('start-empty')
  await history()
  await shot('history-empty')
  await back()
  await button('start.browse').click()
  await expect(page.getByRole('dialog').getByText('model.safetensors')).toBeVisible(patience)
  await shot('browse-server')
  await page.keyboard.press('Escape')

  // What cannot be opened, and what should not be.
  await open('damaged.safetensors')
  await page.getByRole('alert').first().waitFor()
  await shot('start-failed')
  await open('attack.pt')
  await page.getByTestId('code-banner').waitFor(patience)
  await settled()
  await shot('code-banner')
  await button('code.save').click()
  await shot('code-safe-copy')
  await page.keyboard.press('Escape')

  // Nothing known of the model yet, then in part, then all.
  await open('model.safetensors')
  await settled()
  await shot('tensor')
  await page.locator('.compare button').first().click()
  await page.getByTestId('excess').waitFor(patience)
  await shot('tensor-compared')
  await page.locator('.lens .mantine-SegmentedControl-label').nth(1).click()
  await shot('tensor-values')
  await page.locator('.lens .mantine-SegmentedControl-label').nth(2).click()
  await shot('tensor-energy')
  await button('chart.table').first().click()
  await shot('tensor-table')
  await button('chart.table').first().click()
  await page.locator('.lens .mantine-SegmentedControl-label').first().click()
  await tab('workbench.modelTab')
  await shot('model-unknown')
  await compress('unknown.safetensors')
  await page.getByTestId('unknown-change').waitFor()
  await shot('dialog-unknown')
  await page.keyboard.press('Escape')
  await goal('settings.goals.size')
  await page.getByTestId('model-analysis').waitFor(patience)
  await expect(async () => {
    const grid = page.getByRole('grid', { name: words('map.title') })
    expect(Number(await grid.getAttribute('data-unknown'))).toBeLessThan(35)
  }).toPass(patience)
  await shot('model-partial')
  await exact()
  await shot('model')
  await tab('workbench.tensorTab')
  await page.getByRole('slider').last().focus()
  await page.keyboard.press('Shift+ArrowRight')
  await shot('tensor-what-if')
  await page.keyboard.press('Escape')
  await page.locator('.goal-value input').first().fill('1')
  await page.getByTestId('outcome').and(page.locator('[data-state="refused"]')).waitFor(patience)
  await shot('goal-refused')
  await page.locator('.goal-value input').first().fill('40')
  await exact()
  await compress('forty.safetensors')
  await shot('dialog-large')
  await page.keyboard.press('Escape')
  await tab('workbench.modelTab')
  await goal('settings.goals.error')
  await page.locator('.goal-value input').first().fill('0.1')
  await page.getByTestId('nothing-compressed').waitFor(patience)
  await shot('model-nothing')
  await goal('settings.goals.size')
  await exact()
  await page.keyboard.press('?')
  await page.getByRole('dialog').waitFor()
  await shot('shortcuts')
  await page.keyboard.press('Escape')

  // Two ways beside each other.
  await tab('ab.tab')
  await shot('ab-empty')
  await button('ab.runSeeds_other').click()
  await page.getByTestId('ab-verdict').waitFor(patience)
  await shot('ab')
  await tab('workbench.tensorTab')

  // Runs: at work, finished, cancelled, failed.
  await write('forty.safetensors')
  await expect(run()).toHaveAttribute('data-run', 'running', patience)
  await shot('run-at-work')
  await page.getByTestId('run-result').waitFor(patience)
  await shot('run-done')
  await button('run.details').click()
  await page.getByTestId('run-path').waitFor(patience)
  await shot('run-details')
  await page.keyboard.press('Escape')
  await page.locator('.goal-value input').first().fill('60')
  await exact()
  await write('sixty.safetensors')
  await expect(run().and(page.locator('[data-run=finished]'))).toContainText('sixty', patience)
  // Pressed in the page itself as soon as it is there: all sketches are kept, and the run may end before a driver has found the button.
  await page.evaluate(() => {
    const watch = setInterval(() => {
      const buttons = document.querySelectorAll<HTMLElement>('[data-testid=run][data-run=running] button')
      const cancel = [...buttons].at(-1)
      if (!cancel) return
      clearInterval(watch)
      cancel.click()
    }, 5)
  })
  await write('cancelled.safetensors')
  await expect(run()).toContainText('cancelled.safetensors', patience)
  const keep = page.getByRole('dialog').getByRole('button', { name: words('runs.keep') })
  await expect(run().and(page.locator('[data-run=cancelled], [data-run=finished]')).or(keep)).toBeVisible(patience)
  if (await keep.isVisible()) {
    await shot('run-cancel-question')
    await keep.click()
    await expect(run()).toHaveAttribute('data-run', /cancelled|finished/, patience)
  }
  await shot('run-cancelled')
  await history()
  await shot('history')
  await page.locator('.history-choose input').nth(0).check()
  await page.locator('.history-choose input').nth(1).check()
  await page.getByTestId('compare-runs').getByRole('table').first().waitFor(patience)
  await shot('history-compare')
  await back()
  await write('failed.safetensors')
  await expect(run()).toHaveAttribute('data-run', 'running', patience)
  renameSync(join(folder, 'model.safetensors'), join(folder, 'moved.safetensors'))
  await expect(run()).toHaveAttribute('data-run', /failed|finished/, patience)
  await shot('run-failed')

  // A look that takes its time, one that was cancelled, one that fails.
  await open('noise.npy')
  await settled()
  await page.locator('.compare button').last().click()
  if (await page.getByRole('dialog').isVisible()) {
    await shot('exact-question')
    await page
      .getByRole('dialog')
      .getByRole('button', { name: words('compare.start') })
      .click()
  }
  await expect(page.getByTestId('job-status')).toHaveAttribute('data-job', /./, patience)
  await shot('exact-at-work')
  await page
    .getByTestId('job-status')
    .getByRole('button', { name: words('app.cancel') })
    .click()
  await page.locator('.speed label').last().click()
  await page
    .getByTestId('job-status')
    .getByRole('button', { name: words('app.cancel') })
    .click(patience)
  await shot('look-cancelled')
  rmSync(join(folder, 'noise.npy'))
  await page.getByTestId('job-status').getByRole('button').first().click()
  await page.getByRole('alert').first().waitFor(patience)
  await shot('look-failed')
  writeNoise(join(folder, 'noise.npy'), 1024)
  await open('noise.npy')
  await settled()
  appendFileSync(join(folder, 'noise.npy'), 'more')
  await page.locator('.speed label').first().click()
  await page.getByRole('alert').first().waitFor(patience)
  await shot('look-file-changed')

  // What lies between two models, and an adapter at other ranks.
  await home()
  for (const [at, name] of ['base', 'tuned'].entries()) {
    await page.getByTestId(`pair-${name}`).getByRole('button').first().click()
    await page.getByRole('dialog').getByText(name, { exact: true }).click()
    await page
      .getByRole('dialog')
      .getByRole('button', { name: words('browser.openFolder') })
      .click()
    if (at === 0) await expect(page.getByTestId('pair-base')).toContainText(name)
  }
  await expect(page.getByTestId('pair-tuned')).toContainText('tuned')
  await shot('pair-chosen')
  await button('pair.compare').click()
  await page.getByTestId('pair-verdict').waitFor(patience)
  await shot('pair')
  await goal('settings.goals.error')
  await expect(page.getByTestId('model-error')).toHaveAttribute('data-error', /./, patience)
  await tab('workbench.modelTab')
  await shot('pair-goal')
  await page.keyboard.press('Control+Enter')
  await page.getByRole('dialog').getByRole('textbox').last().waitFor(patience)
  await shot('dialog-extract')
  await page
    .getByRole('dialog')
    .getByRole('button', { name: words('adapter.start.pair') })
    .click()
  await page.getByTestId('run-result').first().waitFor(patience)
  await shot('extracted')
  await open('style.safetensors')
  await settled()
  await goal('settings.goals.rank')
  await page.locator('.goal-value input').first().fill('4')
  await page.keyboard.press('Enter')
  await shot('adapter')
  await page.keyboard.press('Control+Enter')
  await page.getByTestId('adapter-base').waitFor(patience)
  await shot('dialog-resize')
  await page.keyboard.press('Escape')

  // A model that runs: its inputs, its forms beside each other, its answers.
  await open('classifier.onnx')
  await settled()
  await tab('try.tab')
  await shot('try-empty')
  await page.getByTestId('try-inputs').setInputFiles(join(folder, 'samples.npz'))
  await expect(page.getByTestId('try')).toContainText('samples.npz', patience)
  await button('forms.start').click()
  await page.getByTestId('forms').getByRole('status').waitFor(patience)
  await shot('forms-at-work')
  await page.getByTestId('forms-result').waitFor(patience)
  await page.getByTestId('forms-result').scrollIntoViewIfNeeded()
  await shot('forms')
  await tab('workbench.tensorTab')
  await goal('settings.goals.answers')
  await shot('goal-answers')
  await button('outcome.answers.find').click()
  await page.getByText(words('outcome.answers.searching')).first().waitFor(patience)
  await shot('goal-answers-at-work')
  await page.getByTestId('answers-found').waitFor(patience)
  await shot('goal-answers-found')
  await goal('settings.goals.rank')
  await button('calibrate.button').click()
  await shot('calibrate')
  await page.keyboard.press('Escape')
  await page.keyboard.press('Control+Enter')
  await page
    .getByRole('dialog')
    .getByRole('radio', { name: /\.onnx/ })
    .click()
  await page.getByRole('dialog').getByRole('textbox').last().fill('small.onnx')
  await shot('dialog-graph')
  await page
    .getByRole('dialog')
    .getByRole('button', { name: new RegExp(`${words('compress.start').source}|${words('compress.anyway').source}`) })
    .click()
  await page.getByTestId('run-result').first().waitFor(patience)
  await button('try.it').first().click()
  await page.getByTestId('try-result').waitFor(patience)
  await shot('try-done')

  // Many tensors, and the screens aside.
  await open('many.safetensors')
  await page.getByRole('treegrid').waitFor(patience)
  await tab('workbench.modelTab')
  await shot('many')
  await button('header.settings').click()
  await shot('settings')
  await button('selfTest.open').click()
  await shot('self-test')
  await back()
  // A part of the page that fails, and the page loaded again while its host is slow to open the file.
  await open('moved.safetensors')
  await settled()
  await page.evaluate(() => {
    CanvasRenderingContext2D.prototype.fillRect = () => {
      throw new Error('planted')
    }
  })
  await tab('workbench.modelTab')
  await page.getByTestId('fault').waitFor(patience)
  await shot('fault')
  const release = await heldEngine(page)
  await page.reload()
  await button('start.stay').waitFor(patience)
  await shot('start-returning')
  release()
  await page.getByRole('treegrid').waitFor(patience)
  await home()
  await shot('start-recents')
  server.process.kill('SIGKILL')
  await page.getByText(words('notices.lost')).waitFor(patience)
  await shot('host-gone')
}
