/**
 * Random moments in the page: `npm run build && npm run -s stress:moments -- [moments] [seed] [job]`.
 *
 * Each job of the page is cut at so many random moments by a reload, a closed tab, a killed engine or a killed host (SIGKILL). Then what was
 * chosen and found out has to be there again, or a sentence has to say what is not. Counts both; ends with status 1 where something was lost in
 * silence, or a job did not come so far that it could be.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, expect, type Page } from '@playwright/test'
import { inEnglish, say } from '../../core/messages/english.ts'
import { chooseGoal, commandLine, patience, readError } from '../e2e/page/driving.ts'
import { writeNoise } from '../e2e/page/files.ts'
import { compress } from '../e2e/page/running.ts'
import { findBrowser } from '../e2e/set-up/find-program.ts'
import { type ServingProcess, serveProcess, servingEngines } from '../e2e/set-up/serving.ts'

const moments = Number(process.argv[2] ?? 10)
const seed = Number(process.argv[3] ?? 1)
/** A part of its name; all jobs without. */
const only = process.argv[4] ?? ''
const random = generator(seed)
const tensor = 'model.layers.1.mlp.up_proj.weight'
const excluded = 'model.layers.0.mlp.gate_proj.weight'

/** What is waited for ends when it is there; on a machine that others use too it may take minutes, and late is not lost. */
const unhurried = { timeout: 300_000 }

const disturbances = ['reload', 'closed tab', 'killed engine', 'killed host'] as const
type Disturbance = (typeof disturbances)[number]

interface Job {
  readonly name: string
  readonly file: string
  /** The longest wait before it is cut, in ms: it is at work until then. */
  readonly within: number
  begin(page: Page): Promise<void>
  /** What has to be there, or be said, after `cut`. `said`: what was asked for was refused in words where it was asked for, before that page was left. */
  check(page: Page, cut: Disturbance, said: boolean): Promise<void>
}

const jobs: readonly Job[] = [
  {
    name: 'look at a tensor',
    file: 'model.safetensors',
    within: 400,
    begin: async (page) =>
      page
        .getByRole('radiogroup', { name: 'Speed' })
        .getByText(/^Precise/)
        .click(),
    check: (page) => numberOrSentence(page),
  },
  {
    name: 'exact SVD',
    file: 'noise.npy',
    within: 1500,
    begin: async (page) =>
      page
        .getByRole('radiogroup', { name: 'Speed' })
        .getByText(/^Exact/)
        .click(),
    check: (page) => numberOrSentence(page),
  },
  {
    name: 'analysis of the model',
    file: 'model.safetensors',
    within: 3000,
    begin: async (page) => {
      await chooseGoal(page, 'Size')
      await page.getByRole('textbox', { name: 'Size of the output' }).fill('40')
      await page.waitForTimeout(600)
    },
    check: async (page, cut) => {
      await expect(page.getByRole('textbox', { name: 'Size of the output' })).toHaveValue('40')
      // It goes on by itself; after the death of its engine it is offered, since it may have been the cause.
      if (cut === 'killed engine')
        await page
          .getByRole('button', { name: /^Analyze/ })
          .click({ timeout: 4000 })
          .catch(() => {})
      await expect(page.getByTestId('file-bytes')).toHaveAttribute('data-exact', 'true', unhurried)
    },
  },
  {
    name: 'compression',
    file: 'model.safetensors',
    within: 2500,
    begin: (page) => compress(page, `out-${++outputs}.safetensors`),
    check: async (page, _cut, said) => {
      if (said) return
      const line = page
        .getByTestId('run')
        .filter({ hasText: `out-${outputs}.safetensors` })
        .first()
      // One whose engine died before the run was on the list is refused where it was asked for.
      const refused = page.getByRole('dialog').getByRole('alert').filter({ hasText: 'The compute engine stopped' })
      const told = line
        .filter({ hasText: /Saved and checked|was interrupted|finished tensors? (is|are) kept/ })
        .or(line.filter({ hasText: inEnglish(say('engine.killed')) }))
        .or(refused)
      try {
        await expect(told).toBeVisible(unhurried)
      } catch {
        // One that had ended before this tab came is in History alone.
        await page.getByRole('button', { name: 'History', exact: true }).click()
        await expect(page.getByTestId('history-row').filter({ hasText: `out-${outputs}.safetensors` })).toBeVisible()
      }
    },
  },
  {
    name: 'A/B',
    file: 'model.safetensors',
    within: 600,
    begin: async (page) => {
      await page.getByRole('tab', { name: 'A/B' }).click()
      await page.getByRole('button', { name: 'Run 5 times' }).click()
      await page.waitForTimeout(600)
    },
    check: async (page) => {
      await expect(page.getByRole('tab', { name: 'A/B' })).toHaveAttribute('aria-selected', 'true')
      // Numbers of a run that was cut are not kept; what can be run again is offered.
      await expect(
        page
          .getByTestId('ab-verdict')
          .or(page.getByRole('button', { name: 'Run both' }))
          .or(page.getByRole('alert'))
          .first(),
      ).toBeVisible(patience)
    },
  },
]
let outputs = 0

const folder = await mkdtemp(join(tmpdir(), 'ghostsvd-moments-'))
const configs = await mkdtemp(join(tmpdir(), 'ghostsvd-configs-'))
commandLine('sample', join(folder, 'model.safetensors'), '--layers', '6', '--hidden', '512')
writeNoise(join(folder, 'noise.npy'), 2560)
const executablePath = findBrowser()
const browser = await chromium.launch(executablePath ? { executablePath } : {})
let [lost, unbegun] = [0, 0]
const counts = new Map<string, number>()
const wanted = jobs.filter(({ name }) => name.includes(only))
for (const job of wanted) {
  for (let moment = 0; moment < moments; moment++) {
    const cut = disturbances[Math.floor(random() * disturbances.length)]!
    const after = Math.round(random() * job.within)
    const title = `${job.name}: ${cut} after ${after} ms`
    if (!browser.isConnected()) throw new Error('The browser has ended: nothing more can be seen.')
    try {
      if (!(await once(job, cut, after))) {
        unbegun++
        console.log(`${title}: not begun`)
        continue
      }
      counts.set(`${job.name}: ${cut}`, (counts.get(`${job.name}: ${cut}`) ?? 0) + 1)
      console.log(`${title}: there again`)
    } catch (error) {
      lost++
      console.log(`${title}: LOST. ${error instanceof Error ? error.message.split('\n').slice(0, 6).join(' ') : error}`)
    }
  }
}
await browser.close()
for (const used of [folder, configs]) await rm(used, { recursive: true, force: true })
console.log([...counts].map(([what, count]) => `${what} ${count}`).join(', '))
console.log(`${wanted.length * moments} moments, ${unbegun} not begun, ${lost} lost in silence (seed ${seed})`)
process.exit(lost + unbegun > 0 ? 1 : 0)

/** Says whether the job had begun when it was to be cut; only what had can be lost. */
async function once(job: Job, cut: Disturbance, after: number): Promise<boolean> {
  const config = join(configs, String(Math.floor(random() * 1e9)))
  await mkdir(config)
  let server = await serveProcess([folder], config)
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  let begun = false
  try {
    let page = await context.newPage()
    await page.goto(server.url)
    await open(page, job.file)
    await readError(page)
    if (job.file === 'model.safetensors') await choose(page)
    await job.begin(page)
    begun = true
    await page.waitForTimeout(after)
    let said = false
    ;[page, server, said = false] = await disturb(cut, { page, context, server, config, file: job.file })
    await expect(page.locator('.file-name')).toHaveText(job.file, unhurried)
    if (job.file === 'model.safetensors') await expectChosen(page)
    await job.check(page, cut, said)
    return true
  } catch (error) {
    const picture = join(tmpdir(), `ghostsvd-lost-${lost + unbegun}.png`)
    for (const one of context.pages()) await one.screenshot({ path: picture }).catch(() => {})
    console.log(`what the page shows: ${picture}. ${begun ? '' : error}`)
    if (!begun) return false
    throw error
  } finally {
    await context.close()
    await server.stop()
  }
}

/** A tensor, a tick and a pin's worth of choices, kept half a second after the last. */
async function choose(page: Page): Promise<void> {
  await page.getByRole('checkbox', { name: `Compress ${excluded}` }).uncheck()
  await page.getByRole('textbox', { name: 'Search tensors' }).fill(tensor)
  await page.locator(`[data-tensor="${tensor}"]`).click()
  await page.getByRole('textbox', { name: 'Search tensors' }).fill('')
  await readError(page)
  await page.waitForTimeout(600)
}

async function expectChosen(page: Page): Promise<void> {
  await expect(page.getByRole('checkbox', { name: `Compress ${excluded}` })).not.toBeChecked(patience)
  await expect(page.locator(`[data-tensor="${tensor}"]`)).toHaveAttribute('aria-selected', 'true')
}

interface Place {
  readonly page: Page
  readonly context: BrowserContext
  readonly server: ServingProcess
  readonly config: string
  readonly file: string
}

async function disturb(
  cut: Disturbance,
  { page, context, server, config, file }: Place,
): Promise<[Page, ServingProcess, said?: boolean]> {
  if (cut === 'reload') {
    await page.reload()
    return [page, server]
  }
  if (cut === 'killed engine') {
    for (const pid of servingEngines(server)) process.kill(pid, 'SIGKILL')
    // Runs have engines of their own, which die too: either way it is said.
    await expect(page.getByTestId('engine-died')).toBeVisible(patience)
    return [page, server]
  }
  if (cut === 'closed tab') {
    const again = await context.newPage()
    await page.close()
    await again.goto(server.url)
    await open(again, file)
    return [again, server]
  }
  server.process.kill('SIGKILL')
  await expect(page.getByText('The connection to GhostSVD was lost.')).toBeVisible(patience)
  await server.stop()
  const next = await serveProcess([folder], config, Number(new URL(server.url).port))
  await expect(page.getByTestId('refused')).toBeVisible({ timeout: 60_000 })
  const lost = inEnglish(say('host.connection-lost'))
  const refused = page.getByRole('dialog').getByRole('alert').filter({ hasText: lost })
  const said = await refused.isVisible()
  await page.goto(next.url)
  await open(page, file)
  return [page, next, said]
}

async function open(page: Page, file: string): Promise<void> {
  await page.locator('[data-engine="ready"], [data-engine="busy"]').first().waitFor()
  if ((await page.locator('.file-name').count()) > 0) return
  await page.getByRole('button', { name: 'Browse this server…' }).click()
  await page.getByRole('dialog').getByText(file, { exact: true }).click()
}

/** A number that fits what was chosen, or words that say there is none. */
async function numberOrSentence(page: Page): Promise<void> {
  const sentence = page.getByText('Not analyzed with these parameters.').or(page.getByRole('alert'))
  await expect(page.locator('[data-testid=relative-error][data-stale=false]').or(sentence).first()).toBeVisible(
    unhurried,
  )
}

/** Mulberry32. */
function generator(start: number): () => number {
  let state = start >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
