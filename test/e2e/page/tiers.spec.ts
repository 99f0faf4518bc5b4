/**
 * Going back: a tensor looked at before is redrawn from the page's own memory, other parameters of it from the engine's, and after a
 * reload all of them from the disk. Counters of the engine prove that nothing was factorized again; times are printed, never judged.
 */
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { expect, test } from '../set-up/fixtures.ts'
import { browse, choosePreset, commandLine, engineCounters, jobsStarted, patience, readError } from './driving.ts'

/** Three layers of seven matrices. */
const matrices = 21

const sketches = async (page: Page) => (await engineCounters(page)).sketches

/** Steps through the list by keyboard: ms from each key to a page that shows that tensor's error and has drawn its curve. */
async function step(page: Page, key: 'ArrowDown' | 'ArrowUp', times: number): Promise<number[]> {
  const grid = page.getByRole('treegrid', { name: 'Tensors' })
  return grid.evaluate(
    async (list, asked) => {
      const frame = () => new Promise((resolve) => requestAnimationFrame(resolve))
      const shown = (before: string) => {
        const name = document.querySelector('h1')?.textContent ?? before
        const { relativeError, stale } = document.querySelector<HTMLElement>('[data-testid=relative-error]')!.dataset
        const line = document.querySelector(`figure[aria-label$="${name}"] svg .recharts-line`)
        return name !== before && relativeError !== '' && stale === 'false' && line !== null
      }
      const spent: number[] = []
      for (let i = 0; i < asked.times; i++) {
        const before = document.querySelector('h1')!.textContent
        const started = performance.now()
        const press = async () => {
          list.dispatchEvent(new KeyboardEvent('keydown', { key: asked.key, bubbles: true }))
          await frame()
        }
        await press()
        // The heads of layers are steps of the list, and no tensors.
        while (list.querySelector('.group-row[data-active="true"]')) await press()
        while (!shown(before)) await frame()
        // One more: what is in the document is on the screen.
        await frame()
        spent.push(performance.now() - started)
      }
      return spent
    },
    { key, times },
  )
}

function say(what: string, spent: readonly number[]): void {
  const sorted = spent.toSorted((a, b) => a - b)
  const ms = (value = Number.NaN) => `${value.toFixed(0)} ms`
  console.log(
    `${what}: ${spent.length} tensors, median ${ms(sorted[sorted.length >> 1])}, slowest ${ms(sorted.at(-1))}`,
  )
}

test('going back to twenty tensors factorizes nothing, from memory and from disk', async ({ page, folder }) => {
  commandLine('sample', join(folder, 'model.safetensors'), '--layers', '3', '--hidden', '256')
  await browse(page, 'model.safetensors')
  await readError(page)
  await choosePreset(page, 'Balanced')
  await page.getByRole('textbox', { name: 'Search tensors' }).fill('*_proj.weight')
  await expect(page.getByText(`${matrices} of 30 tensors shown`)).toBeVisible()
  await readError(page)

  say('computed', await step(page, 'ArrowDown', matrices - 1))
  const computed = await sketches(page)
  const jobs = await jobsStarted(page)
  // The one at first sight had the default parameters.
  expect(computed).toMatchObject({ stored: matrices + 1, missed: matrices + 1, cold: 0 })

  say('back, from the page', await step(page, 'ArrowUp', matrices - 1))
  expect(await sketches(page)).toEqual(computed)
  expect(await jobsStarted(page)).toBe(jobs)

  // The first tensor left the hot tier long ago; its other parameters have just been used.
  await choosePreset(page, 'Precise')
  await readError(page)
  await choosePreset(page, 'Balanced')
  await readError(page)
  await choosePreset(page, 'Precise')
  await readError(page)
  const after = { ...computed, stored: computed.stored + 1, missed: computed.missed + 1 }
  expect(await sketches(page)).toEqual({ ...after, warm: computed.warm + 1, hot: computed.hot + 1 })

  await page.reload()
  await readError(page)
  await choosePreset(page, 'Balanced')
  await readError(page)
  await page.getByRole('textbox', { name: 'Search tensors' }).fill('*_proj.weight')
  await expect(page.getByText(`${matrices} of 30 tensors shown`)).toBeVisible(patience)
  say('after a reload, from disk', await step(page, 'ArrowDown', matrices - 1))
  expect(await sketches(page)).toMatchObject({ stored: 0, missed: 0, cold: matrices + 1 })
})
