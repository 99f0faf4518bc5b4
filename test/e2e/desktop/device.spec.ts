/** Products on a GPU in the application: a hidden window, here on SwiftShader, which is Chromium's own. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import type { CompressionReport } from '../../../core/contract.ts'
import { countFinished } from '../../../core/write/resume/journal.ts'
import { python, pythonHas } from '../../python.ts'
import { browse, commandLine, readError } from '../page/driving.ts'
import { compress, finishSome, openIn, runLine, saved } from '../page/running.ts'
import { descendants } from '../set-up/descendants.ts'
import { type Desktop, desktopEnvironment, startDesktop } from '../set-up/desktop.ts'
import { enterThrough } from '../set-up/doors.ts'
import { electronRuntime } from '../set-up/electron-runtime.ts'
import { expect, test } from '../set-up/fixtures.ts'
import { root } from '../set-up/serving.ts'

/** What makes Chromium take its software as a GPU; the application gives the other switches itself. */
const software = ['--use-webgpu-adapter=swiftshader', '--use-vulkan=swiftshader']
/** The page is drawn without it, which a processor does faster. */
const drawnWithout = ['--disable-gpu-compositing', '--disable-gpu-rasterization']
const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : []
const named = /^google swiftshader, Chromium \d+(\.\d+)+$/

test.skip(process.platform !== 'linux', 'SwiftShader as a GPU is known of Linux')
// Its shaders are compiled by the processor, on machines that have other things to do.
test.beforeEach(() => void test.slow())

async function start(options: {
  readonly folder: string
  readonly config: string
  readonly display: string
}): Promise<Desktop & { readonly page: Page }> {
  const desktop = await startDesktop({ ...options, parameters: [...software, ...drawnWithout] })
  const page = await desktop.application.firstWindow()
  enterThrough(page, desktop)
  return { ...desktop, page }
}

/** In Settings; matrices as small as these would have an exact SVD, which needs no products. */
async function chooseGpu(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Advanced' }).click()
  for (const [field, value] of [
    ['Method', 'Randomized SVD'],
    ['Products by', 'GPU'],
  ] as const) {
    await page.getByRole('combobox', { name: field }).click()
    await page.getByRole('option', { name: value, exact: true }).click()
  }
  // By the processor, where there is none yet.
  await readError(page)
}

const hiddenWindows = ({ application }: Desktop) =>
  application.evaluate(
    ({ BrowserWindow }) => BrowserWindow.getAllWindows().filter((window) => !window.isVisible()).length,
  )

/** What the header of a file says of itself. */
function metadataOf(path: string): Record<string, string> {
  const bytes = readFileSync(path)
  return JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE(0)))).__metadata__
}

test('a GPU that is asked for is there from the next start on, outlives a question whether to quit, and goes with the application in the middle of a run', async ({
  folder,
  config,
  display,
}) => {
  const first = await start({ folder, config, display })
  await openIn(folder, first.page, 1, 256)
  await chooseGpu(first.page)
  await compress(first.page, 'without.safetensors')
  await saved(first.page)
  await first.page.getByRole('button', { name: 'Details' }).click()
  await expect(first.page.getByRole('dialog')).toContainText('quit it and open it again')
  expect(metadataOf(join(folder, 'without.safetensors'))['ghostsvd.device']).toBeUndefined()
  await first.application.close()

  const second = await start({ folder, config, display })
  const { page, application } = second
  // Used up: a start that goes wrong with Vulkan is the only one.
  expect(existsSync(join(config, 'browser', 'gpu-wanted'))).toBe(false)
  expect(await page.evaluate(() => 'gpu' in navigator)).toBe(false)
  await browse(page, 'model.safetensors')
  await readError(page)
  expect(await hiddenWindows(second)).toBe(1)
  // What an update on macOS begins with.
  await application.evaluate(({ autoUpdater }) => autoUpdater.emit('before-quit-for-update'))
  await expect.poll(() => hiddenWindows(second)).toBe(0)
  await compress(page, 'with.safetensors')
  await finishSome(page)
  await application.evaluate(({ app, dialog }) => {
    dialog.showMessageBox = async () => ({ response: 0, checkboxChecked: false })
    app.quit()
  })
  await expect(runLine(page)).toHaveAttribute('data-run', 'running')
  // That of the run; the page's engine has lost its own.
  expect(await hiddenWindows(second)).toBe(1)

  const processes = descendants(application.process().pid!)
  const ended = once(application.process(), 'exit')
  const asked = performance.now()
  await application.evaluate(({ BrowserWindow, dialog }) => {
    dialog.showMessageBox = async () => ({ response: 1, checkboxChecked: false })
    BrowserWindow.getAllWindows()
      .find((window) => window.isVisible())!
      .close()
  })
  expect(await ended).toEqual([0, null])
  expect(performance.now() - asked).toBeLessThan(5000)
  await expect.poll(() => processes.filter(({ pid }) => existsSync(`/proc/${pid}`))).toEqual([])
  expect(countFinished(readFileSync(join(folder, 'with.safetensors.journal.partial')))).toBeGreaterThan(0)
})

for (const [what, type, signal, sentence] of [
  ['is killed', 'renderer', 'SIGKILL', /^The GPU was lost in the middle of the work \(killed\)/],
  ['hangs', 'renderer', 'SIGSTOP', /^The GPU gave no answer for 10 s/],
  ['loses its device', 'gpu-process', 'SIGKILL', /^The GPU (was lost in the middle of|refused) the work/],
] as const)
  test(`a window that ${what} in the middle of a command leaves it to the processor, and nothing behind`, async ({
    folder,
    config,
    display,
  }) => {
    const { program, application } = electronRuntime()!
    const [source, out] = [join(folder, 'model.safetensors'), join(folder, 'out.safetensors')]
    // Enough that one is always under way when the first is seen to be finished.
    commandLine('sample', source, '--layers', '4', '--hidden', '256')
    const flags = ['--out', out, '--method', 'randomized', '--rank', '16', '--n-iter', '8', '--device', 'gpu', '--json']
    const command = spawn(program, [...sandbox, application, 'compress', source, ...flags, ...software], {
      env: desktopEnvironment({ config, display }),
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const stdout: Buffer[] = []
    command.stdout.on('data', (bytes: Buffer) => stdout.push(bytes))
    const ended = once(command, 'close')
    const journal = `${out}.journal.partial`
    const finished = () => (existsSync(journal) ? countFinished(readFileSync(journal)) : 0)
    // The embedding and a norm come first and are kept: the third is the first matrix.
    await expect.poll(finished, { timeout: 120_000, intervals: [10] }).toBeGreaterThan(2)
    const processes = descendants(command.pid!)
    const [struck] = processes.filter((process) => process.type === type)
    process.kill(struck!.pid, signal)
    expect(await ended).toEqual([0, null])
    const report = JSON.parse(Buffer.concat(stdout).toString()) as CompressionReport
    expect(report.verified).toBe(true)
    // The old Electron has another to say, of its vectors.
    expect(report.notices.filter((notice) => String(notice).includes('GPU'))).toEqual([expect.stringMatching(sentence)])
    // The first by the GPU, from the one that it left on by the processor.
    const devices = report.tensors.filter(({ action }) => action === 'factorized').map(({ device }) => device)
    const left = devices.indexOf(undefined)
    expect(left).toBeGreaterThan(0)
    expect(new Set(devices.slice(0, left))).toEqual(new Set([report.device]))
    expect(new Set(devices.slice(left))).toEqual(new Set([undefined]))
    expect(report.device).toMatch(named)
    expect(metadataOf(out)['ghostsvd.device']).toBe(report.device)
    await expect.poll(() => processes.filter(({ pid }) => existsSync(`/proc/${pid}`))).toEqual([])
    if (pythonHas('numpy')) expect(spawnSync(python, [`${root}test/judge/factors.py`, source, out]).status).toBe(0)
  })
