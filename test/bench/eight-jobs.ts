/**
 * Eight jobs as a new user does them, each from a cold page: `node test/bench/eight-jobs.ts [FOLDER] [JOB]`. Prints steps, clicks, fields typed
 * into and seconds of each; with a folder it leaves a picture of each step there. Waits are those of the machine it runs on; steps and clicks are
 * the page's.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, expect, type Page } from '@playwright/test'
import { commandLine } from '../e2e/page/driving.ts'
import { maliciousCheckpoint, writeManyTensors } from '../e2e/page/files.ts'
import { findBrowser } from '../e2e/set-up/find-program.ts'
import { serveProcess } from '../e2e/set-up/serving.ts'

const patience = { timeout: 180_000 }
const [pictures, only = ''] = process.argv.slice(2)
if (pictures) await mkdir(pictures, { recursive: true })
const folder = await mkdtemp(join(tmpdir(), 'ghostsvd-jobs-'))
const config = await mkdtemp(join(tmpdir(), 'ghostsvd-config-'))
commandLine('sample', join(folder, 'model.safetensors'), '--layers', '8', '--hidden', '256')
// One whose run lasts long enough to be interrupted.
commandLine('sample', join(folder, 'large.safetensors'), '--layers', '12', '--hidden', '512')
writeManyTensors(join(folder, 'many.safetensors'), 10_000)
await writeFile(join(folder, 'attack.pt'), maliciousCheckpoint())
const server = await serveProcess([folder], config)
const executablePath = findBrowser()
const browser = await chromium.launch(executablePath ? { executablePath } : {})
const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
// The link is good for a browser, not for a page.
const first = await context.newPage()
await first.goto(server.url)
await first.close()

/** A user's way through one job. */
class Walk {
  readonly steps: string[] = []
  clicks = 0
  fields = 0
  readonly page: Page
  readonly #job: string
  constructor(page: Page, job: string) {
    this.page = page
    this.#job = job
  }
  async click(what: string, target: ReturnType<Page['locator']>): Promise<void> {
    this.steps.push(what)
    this.clicks++
    await target.click(patience)
    await this.#picture()
  }
  async type(what: string, target: ReturnType<Page['locator']>, text: string): Promise<void> {
    this.steps.push(what)
    this.fields++
    await target.fill(text)
    await this.#picture()
  }
  async see(what: string, target: ReturnType<Page['locator']>, text?: RegExp): Promise<void> {
    this.steps.push(`(sees ${what})`)
    if (text) await expect(target).toContainText(text, patience)
    else await expect(target).toBeVisible(patience)
    await this.#picture()
  }
  /** What stands there when the step has had its effect. */
  async #picture(): Promise<void> {
    if (!pictures) return
    await this.page.waitForTimeout(150)
    const name = `${this.#job} ${String(this.steps.length).padStart(2, '0')}`.replaceAll(/\W+/g, '-')
    await this.page.screenshot({ path: join(pictures, `${name}.png`) })
  }
  async open(file: string): Promise<void> {
    await this.click('Browse this server', this.page.getByRole('button', { name: 'Browse this server…' }))
    await this.click(file, this.page.getByRole('dialog').getByText(file, { exact: true }))
  }
  async goal(name: string, field: string, value: string): Promise<void> {
    await this.click(name, this.page.getByRole('radiogroup', { name: 'Goal' }).getByText(name, { exact: true }))
    await this.type(`${value} %`, this.page.getByRole('textbox', { name: field }), value)
  }
  exact(): Promise<void> {
    return expect(this.page.getByTestId('file-bytes')).toHaveAttribute('data-exact', 'true', patience)
  }
  async write(): Promise<void> {
    await this.click('Compress…', this.page.getByRole('button', { name: 'Compress…' }))
    const dialog = this.page.getByRole('dialog')
    await this.click('writes', dialog.getByRole('button', { name: /^(Compress|Write anyway)$/ }))
    await expect(dialog).toBeHidden(patience)
  }
}

const jobs: Readonly<Record<string, (walk: Walk) => Promise<void>>> = {
  'compress a model to 40 %': async (walk) => {
    await walk.open('model.safetensors')
    await walk.goal('Size', 'Size of the output', '40')
    await walk.see('the model error', walk.page.getByTestId('verdict'), /Large change/)
    await walk.exact()
    await walk.write()
    await walk.see('saved and checked', walk.page.getByTestId('run-result'), /Saved and checked/)
  },
  'compress a model to an error of 10 %': async (walk) => {
    await walk.open('model.safetensors')
    await walk.goal('Error', 'Largest error', '10')
    await walk.click(
      'over the model',
      walk.page
        .getByRole('combobox', { name: /Scope|goal of/i })
        .or(walk.page.locator('.goal-scope input'))
        .first(),
    )
    await walk.click('whole model', walk.page.getByRole('option', { name: 'over the model' }))
    await walk.exact()
    await walk.see('the verdict', walk.page.getByTestId('verdict'), /Quality unknown until tested/)
    await walk.write()
    await walk.see('saved and checked', walk.page.getByTestId('run-result').first(), /Saved and checked/)
  },
  'understand why a model cannot be compressed': async (walk) => {
    await walk.open('many.safetensors')
    await walk.see('what is kept', walk.page.locator('.list-footer'), /kept as (it is|they are)/)
    await walk.click('Why?', walk.page.getByRole('button', { name: 'Why?' }))
    await walk.see('reasons with counts', walk.page.locator('.reasons li').first())
  },
  'compare randomized and exact on one matrix': async (walk) => {
    await walk.open('model.safetensors')
    await walk.see('the curve', walk.page.getByRole('slider', { name: /Rank|Size/ }).first())
    await walk.click('Tensor', walk.page.getByRole('tab', { name: 'Tensor' }))
    await walk.click('Compare with …', walk.page.getByRole('button', { name: /^Compare with/ }))
    await walk.see('extra error and times', walk.page.locator('.compare'), /times as (fast|long)/)
  },
  'open a malicious pickle': async (walk) => {
    await walk.open('attack.pt')
    await walk.see('what it would run', walk.page.getByTestId('code-banner'), /would run posix\.system/)
    await walk.click('Save a safe copy', walk.page.getByRole('button', { name: 'Save a safe copy…' }))
    await walk.click('Save', walk.page.getByRole('dialog').getByRole('button', { name: 'Save', exact: true }))
    await walk.see('the copy', walk.page.getByTestId('safe-copy'), /Saved and checked/)
  },
  'interrupt a run and resume it': async (walk) => {
    await walk.open('large.safetensors')
    await walk.write()
    const run = walk.page.getByTestId('run').first()
    await expect(run).toContainText(/tensors? finished/, patience)
    await walk.click('Cancel', run.getByRole('button', { name: 'Cancel' }))
    await walk.click('Keep for later', walk.page.getByRole('button', { name: 'Keep for later' }))
    await walk.click('Resume', run.getByRole('button', { name: 'Resume' }))
    await walk.see('saved and checked', walk.page.getByTestId('run-result').first(), /Saved and checked/)
  },
  'find one of 10,000 tensors': async (walk) => {
    await walk.open('many.safetensors')
    await walk.see('all of them', walk.page.getByText('10,000 tensors'))
    await walk.type('searches', walk.page.getByRole('textbox', { name: 'Search tensors' }), 'layers.3210.*up_proj*')
    await walk.click('the row', walk.page.locator('[data-tensor="model.layers.3210.mlp.up_proj.weight"]'))
    await walk.see('its error', walk.page.locator('[data-testid=relative-error][data-stale=false]'))
  },
  "find last week's run and repeat it": async (walk) => {
    await walk.click('History', walk.page.getByRole('button', { name: 'History', exact: true }))
    const row = walk.page.getByTestId('history-row').last()
    await walk.click('More', row.getByRole('button', { name: /^More about/ }))
    await walk.click(
      'Run again with its settings…',
      walk.page.getByRole('menuitem', { name: 'Run again with its settings…' }),
    )
    await walk.see('its goal', walk.page.getByRole('textbox', { name: 'Size of the output' }))
    await walk.exact()
    await walk.write()
    await walk.see('saved and checked', walk.page.getByTestId('run-result').first(), /Saved and checked/)
  },
}

for (const [job, way] of Object.entries(jobs).filter(([job]) => job.includes(only))) {
  const page = await context.newPage()
  const walk = new Walk(page, job)
  const from = Date.now()
  try {
    await page.goto(new URL('/', server.url).href)
    await page.locator('[data-engine="ready"]').waitFor(patience)
    await way(walk)
    const seconds = ((Date.now() - from) / 1000).toFixed(1)
    console.log(`${job}: ${walk.steps.length} steps, ${walk.clicks} clicks, ${walk.fields} fields, ${seconds} s`)
    console.log(`   ${walk.steps.join(' > ')}`)
  } catch (error) {
    console.log(`${job}: STUCK after ${walk.steps.join(' > ')}\n   ${String(error).split('\n')[0]}`)
    await page.screenshot({ path: join(tmpdir(), `stuck-${job.replaceAll(/\W+/g, '-')}.png`) })
  }
  await page.close()
}
await browser.close()
await server.stop()
for (const used of [folder, config]) await rm(used, { recursive: true, force: true })
