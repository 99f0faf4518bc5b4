/**
 * What waits cost in the page: `node test/bench/page.ts [TREE ...]` measures each tree's build (this one's without an argument), five runs in turn, and
 * prints medians and the worst. Times are taken inside the page, from the event of the user to the frame that shows the answer.
 *
 * Run it on a machine that has nothing else to do; `npm run build` in each tree before.
 */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Browser, chromium, type Page } from '@playwright/test'
import { writeManyTensors, writeNoise } from '../e2e/page/files.ts'
import { findBrowser } from '../e2e/set-up/find-program.ts'
import { root, type ServingProcess, type serveProcess } from '../e2e/set-up/serving.ts'

const runs = Number(process.env.BENCH_RUNS ?? 5)
const trees = process.argv.slice(2).map((tree) => resolve(tree))
if (trees.length === 0) trees.push(root)

type Times = Map<string, number[]>
const patience = { timeout: 120_000 }
const settledNow = `document.querySelector('[data-testid=relative-error]')?.dataset.stale === 'false' && document.querySelector('[data-testid=relative-error]')?.dataset.relativeError`
const planned = `document.querySelector('[data-testid=file-bytes]')?.dataset.after`
const exactly = `document.querySelector('[data-testid=file-bytes]')?.dataset.exact === 'true'`
/** In a page that is loaded: from the beginning of that to the first frame with a plan, which it comes to by itself, in ms. */
const watchForPlan = `(() => {
  const look = () => {
    if (${exactly}) window.benchPlan = performance.now()
    else requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
})()`
/** The line of the chart, whatever draws it, is another than it was. */
const curveChanged = `(window.benchLine ??= lineNow()) !== lineNow()`

const folder = await mkdtemp(join(tmpdir(), 'ghostsvd-page-'))
const sample = (name: string, ...flags: string[]) =>
  execFileSync(process.execPath, [join(root, 'out/main/cli.js'), 'sample', join(folder, name), ...flags])
sample('806mb.safetensors', '--layers', '6', '--hidden', '2048', '--dtype', 'BF16')
sample('model.safetensors', '--layers', '12', '--hidden', '512')
writeNoise(join(folder, 'square.npy'), 2048)
writeNoise(join(folder, 'points.npy'), 4096)
writeManyTensors(join(folder, 'many.safetensors'), 10_000)

const executablePath = findBrowser()
const browser = await chromium.launch(executablePath ? { executablePath } : {})
const found = new Map(trees.map((tree) => [tree, new Map() as Times]))
async function measure(browser: Browser, tree: string, times: Times): Promise<void> {
  process.env.GHOSTSVD_TEST_HOST = join(tree, 'out/main/cli.js')
  const config = await mkdtemp(join(tmpdir(), 'ghostsvd-config-'))
  const { serveProcess: serve } = await import(`../e2e/set-up/serving.ts?${tree}`)
  const server = (await (serve as typeof serveProcess)([folder], config)) as ServingProcess
  const note = (name: string, ms: number) => times.set(name, [...(times.get(name) ?? []), ms])
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  try {
    await page.goto(server.url)
    await page.locator('[data-engine="ready"]').waitFor()
    note('first paint', await firstPaint(page))

    await openTimed(page, '806mb.safetensors', note, '806 MB BF16')
    await back(page)
    await openTimed(page, 'square.npy', note, '2048 x 2048')
    await settled(page)
    const more = page.getByRole('textbox', { name: 'Power iterations' })
    if (!(await more.isVisible())) await page.getByRole('button', { name: 'Advanced' }).click()
    await page.getByRole('radiogroup', { name: 'Speed' }).getByText(/^Fast/).click()
    await settled(page)
    const next = await arm(page, 'input', curveChanged)
    await more.fill('4')
    note('power iterations to the first new curve', await next())

    await back(page)
    await open(page, 'points.npy')
    await settled(page)
    await page.getByRole('textbox', { name: 'Rank', exact: true }).fill('2000')
    await page.getByRole('textbox', { name: 'Rank', exact: true }).press('Enter')
    const zoom = page.getByRole('combobox', { name: 'Zoom' })
    if (await zoom.isVisible()) {
      await zoom.click()
      await page.getByRole('option', { name: 'Full' }).click()
    } else await page.getByText('All', { exact: true }).click()
    await settled(page)
    const drag = await dragFrames(page)
    note('rank drag: frames, 95 %', percentile(drag, 0.95))
    note('rank drag: longest frame', Math.max(...drag))

    await back(page)
    await longTasks(page)
    const listed = await arm(page, 'click', `document.querySelectorAll('[role=row]').length > 10`)
    await open(page, 'many.safetensors')
    note('10,000 tensors listed', await listed())
    await page.waitForTimeout(1500)
    note('10,000 tensors: longest task', await longTasks(page))
    note('10,000 tensors: scroll, longest frame', Math.max(...(await scrollFrames(page))))
    note('10,000 tensors: filter, longest frame', Math.max(...(await filterFrames(page))))

    await back(page)
    await open(page, 'model.safetensors')
    // At the rank of before nothing of it would be compressed, and nothing need be analyzed.
    const rank = page.getByRole('textbox', { name: 'Rank', exact: true })
    await rank.fill('64')
    await rank.press('Enter')
    await settled(page)
    // Pages before 0.2 showed no bytes of a plan that could be waited for.
    if ((await page.getByTestId('outcome').count()) === 0) return
    await page
      .getByRole('button', { name: /^Analyze/ })
      .first()
      .click()
    await exact(page)
    await page.getByRole('radiogroup', { name: 'Goal' }).getByText('Size', { exact: true }).click()
    await exact(page)
    const size = page.getByRole('textbox', { name: 'Size of the output' })
    await size.fill('50')
    await exact(page)
    const replanned = await arm(page, 'input', `${planned} !== '${await plannedNow(page)}' && ${exactly}`)
    await size.fill('40')
    note('goal change to the new plan', await replanned())
    await page.waitForTimeout(500)
    await page.addInitScript(watchForPlan)
    await page.reload()
    await until(page, 'window.benchPlan')
    note('plan of a model seen before, from a reload', (await page.evaluate('window.benchPlan')) as number)
  } finally {
    await page.close()
    await server.stop()
    await rm(config, { recursive: true, force: true })
  }
}

/** In the page: from the next event of this kind to the first frame after which the condition holds, in ms. */
async function arm(page: Page, event: string, condition: string): Promise<() => Promise<number>> {
  await page.evaluate(`(() => {
    const lineNow = () => [...document.querySelectorAll('.recharts-line path, .recharts-line-curve, .chart path')].map((path) => path.getAttribute('d')).join()
    window.benchLine = undefined
    let from = null
    document.addEventListener('${event}', (at) => { from ??= at.timeStamp }, { capture: true, once: true })
    window.bench = new Promise((resolve) => {
      const look = () => {
        const holds = ${condition}
        if (from !== null && holds) requestAnimationFrame(() => resolve(performance.now() - from))
        else requestAnimationFrame(look)
      }
      look()
    })
  })()`)
  return () => page.evaluate('window.bench') as Promise<number>
}

async function firstPaint(page: Page): Promise<number> {
  return page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN)
}

async function open(page: Page, file: string): Promise<void> {
  const browse = page.getByRole('button', { name: 'Browse this server…' })
  if (!(await browse.isVisible())) await back(page)
  await browse.click()
  await page.getByRole('dialog').getByText(file, { exact: true }).click()
}

async function openTimed(page: Page, file: string, note: (name: string, ms: number) => void, what: string) {
  const browse = page.getByRole('button', { name: 'Browse this server…' })
  if (!(await browse.isVisible())) await back(page)
  await browse.click()
  const entry = page.getByRole('dialog').getByText(file, { exact: true })
  await entry.waitFor()
  const listed = await arm(page, 'click', `document.querySelector('[role=row][aria-selected], .tensor-row')`)
  await page.evaluate(`(() => {
    let from = null
    document.addEventListener('click', (at) => { from = at.timeStamp }, { capture: true, once: true })
    window.benchNumber = new Promise((resolve) => {
      const look = () => ${settledNow} ? requestAnimationFrame(() => resolve(performance.now() - from)) : requestAnimationFrame(look)
      requestAnimationFrame(look)
    })
  })()`)
  await entry.click()
  note(`${what}: click to listed`, await listed())
  note(`${what}: click to first number`, (await page.evaluate('window.benchNumber')) as number)
}

const back = (page: Page) => page.getByRole('button', { name: /^Open another( file)?/ }).click()

/** The page's policy forbids what `waitForFunction` does with a text; the debugger may evaluate one. */
async function until(page: Page, condition: string): Promise<void> {
  for (const end = Date.now() + patience.timeout; !(await page.evaluate(condition)); await page.waitForTimeout(20))
    if (Date.now() > end) throw new Error(`The page does not come to: ${condition}`)
}
async function settled(page: Page): Promise<void> {
  await until(page, settledNow)
  await page.locator('[data-engine="ready"]').waitFor(patience)
}
async function exact(page: Page): Promise<void> {
  await until(page, exactly)
}
const plannedNow = (page: Page) => page.evaluate(planned) as Promise<string>

/** Lengths of the frames while something goes on. */
async function frames(page: Page, act: () => Promise<void>): Promise<number[]> {
  await page.evaluate(() => {
    const bench = window as unknown as { frames: number[]; watching: boolean }
    bench.frames = []
    bench.watching = true
    let last = performance.now()
    const tick = () => {
      const now = performance.now()
      bench.frames.push(now - last)
      last = now
      if (bench.watching) requestAnimationFrame(tick)
    }
    requestAnimationFrame(tick)
  })
  await act()
  return page.evaluate(() => {
    const bench = window as unknown as { frames: number[]; watching: boolean }
    bench.watching = false
    return bench.frames.slice(2)
  })
}

async function dragFrames(page: Page): Promise<number[]> {
  const slider = page.getByRole('slider', { name: 'Rank' })
  await slider.scrollIntoViewIfNeeded()
  const box = (await slider.boundingBox())!
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
  return frames(page, async () => {
    await page.mouse.move(x, y)
    await page.mouse.down()
    for (let i = 1; i <= 90; i++) await page.mouse.move(x + 150 * Math.sin(i / 15), y)
    await page.mouse.up()
  })
}

async function scrollFrames(page: Page): Promise<number[]> {
  const grid = page.locator('[role=treegrid], [role=grid]').first()
  const box = (await grid.boundingBox())!
  await page.mouse.move(box.x + 80, box.y + 200)
  return frames(page, async () => {
    for (let i = 0; i < 60; i++) await page.mouse.wheel(0, 300)
  })
}

async function filterFrames(page: Page): Promise<number[]> {
  const search = page.getByRole('textbox', { name: 'Search tensors' })
  return frames(page, async () => {
    await search.pressSequentially('layers.33', { delay: 60 })
    await page.waitForTimeout(400)
  })
}

/** The longest task since the last call. */
async function longTasks(page: Page): Promise<number> {
  return page.evaluate(() => {
    const bench = window as unknown as { longest: number; observer?: PerformanceObserver }
    const longest = bench.longest ?? 0
    bench.longest = 0
    bench.observer ??= new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) bench.longest = Math.max(bench.longest, duration)
    })
    bench.observer.observe({ type: 'longtask' })
    return longest
  })
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
}

try {
  // The first round warms the disk and the program; it counts for nothing.
  for (let run = 0; run <= runs; run++)
    for (const tree of trees) await measure(browser, tree, run === 0 ? new Map() : found.get(tree)!)
} finally {
  await browser.close()
  await rm(folder, { recursive: true, force: true })
}
for (const [tree, times] of found) {
  console.log(`\n${tree}`)
  for (const [name, values] of times) {
    const sorted = values.toSorted((a, b) => a - b)
    const median = sorted[Math.floor(sorted.length / 2)]!
    console.log(`${name.padEnd(44)} median ${median.toFixed(0).padStart(6)} ms, worst ${sorted.at(-1)!.toFixed(0)} ms`)
  }
}
