/** What goes wrong around the page: it dies, its engine dies, the application cannot start, the session ends. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { ElectronApplication } from '@playwright/test'
import { patience, readError } from '../page/driving.ts'
import { writeNoise } from '../page/files.ts'
import { compress, finishSome, openIn } from '../page/running.ts'
import { type Desktop, desktopEnvironment, startDesktop } from '../set-up/desktop.ts'
import { enterThrough } from '../set-up/doors.ts'
import { electronRuntime } from '../set-up/electron-runtime.ts'
import { expect, test } from '../set-up/fixtures.ts'

const root = process.getuid?.() === 0

/** The page by the application's own hand: Playwright's ends with the process of the page. One that is just dying never answers. */
const textOf = ({ application }: Desktop) =>
  application.evaluate(({ BrowserWindow }) => {
    const { webContents } = BrowserWindow.getAllWindows()[0]!
    const silence = new Promise<string>((resolve) => setTimeout(resolve, 1000, ''))
    return Promise.race([webContents.executeJavaScript('document.body.innerText').catch(() => ''), silence])
  })
const crashPage = ({ application }: Desktop) =>
  application.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.webContents.forcefullyCrashRenderer())
const exitOf = (application: ElectronApplication) =>
  new Promise<number | null>((resolve) => application.process().once('exit', resolve))

async function opened(options: { folder: string; config: string; display: string }): Promise<Desktop> {
  const file = join(options.folder, 'noise.npy')
  writeNoise(file, 64)
  const desktop = await startDesktop({ ...options, parameters: [file] })
  await expect((await desktop.application.firstWindow()).locator('.file-name')).toHaveText('noise.npy', patience)
  return desktop
}

test('a page that dies comes back with its file; one that dies again asks first', async ({
  folder,
  config,
  display,
}) => {
  const desktop = await opened({ folder, config, display })
  const { application } = desktop
  await application.evaluate(({ dialog }) => {
    Object.assign(globalThis, { asked: [] })
    // Reload.
    dialog.showMessageBox = async (...given: unknown[]) => {
      const { asked } = globalThis as unknown as { asked: unknown[] }
      asked.push((given.at(-1) as { message: string }).message)
      return { response: 0, checkboxChecked: false }
    }
  })
  const asked = () => application.evaluate(() => (globalThis as unknown as { asked: string[] }).asked)
  await crashPage(desktop)
  await expect.poll(() => textOf(desktop), patience).toContain('noise.npy')
  expect(await asked()).toEqual([])
  await crashPage(desktop)
  await expect.poll(asked, patience).toEqual(['The page crashed twice in a row.'])
  await expect.poll(() => textOf(desktop), patience).toContain('noise.npy')
  expect(readFileSync(join(config, 'log.txt'), 'utf8').match(/The page died: /g)).toHaveLength(2)
  await application.close()
})

test('an engine that is killed says by what', async ({ page, folder, engines }) => {
  await openIn(folder, page, 1, 256)
  await readError(page)
  for (const pid of await engines()) process.kill(pid, 'SIGKILL')
  await expect(page.getByTestId('engine-died')).toContainText('The engine was killed (SIGKILL).', patience)
})

test('a start that fails says so, in a box, on stderr and in the log, and ends with a status', async ({
  folder,
  config,
  display,
}) => {
  const { program, application } = electronRuntime()!
  const broken = join(folder, 'application')
  for (const part of ['package.json', 'out']) cpSync(join(application, part), join(broken, part), { recursive: true })
  rmSync(join(broken, 'out/renderer'), { recursive: true })
  const environment = desktopEnvironment({ config, display })
  const started = spawn(program, [...(root ? ['--no-sandbox'] : []), broken], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  started.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  await expect.poll(() => stderr, patience).toContain('GhostSVD could not start. ENOENT')
  expect(readFileSync(join(config, 'log.txt'), 'utf8')).toContain('Fault in main: Error: ENOENT')
  // The box does not hold up the end of a session.
  expect(started.exitCode).toBeNull()
  started.kill('SIGTERM')
  expect((await once(started, 'exit'))[0]).toBe(143)
})

test('a session that ends during a run is not held up by a question; finished tensors are kept', async ({
  folder,
  config,
  display,
}) => {
  const desktop = await startDesktop({ folder, config, display })
  const page = await desktop.application.firstWindow()
  enterThrough(page, desktop)
  await openIn(folder, page, 12, 512)
  await compress(page)
  await finishSome(page)
  const exit = exitOf(desktop.application)
  desktop.application.process().kill('SIGTERM')
  expect(await exit).toBe(143)
  expect(readdirSync(folder)).toContain('model.lowrank.safetensors.journal.partial')
})

test('without a display there is a sentence in place of an abort', async ({ config }) => {
  test.skip(process.platform !== 'linux', 'every other system has one')
  const { program, application } = electronRuntime()!
  const { DISPLAY: _, WAYLAND_DISPLAY: __, ...env } = desktopEnvironment({ config, display: '' })
  for (const parameters of [[], ['inspect', 'model.npy']]) {
    const ended = spawnSync(program, [...(root ? ['--no-sandbox'] : []), application, ...parameters], {
      env,
      encoding: 'utf8',
    })
    expect(ended.stderr).toContain('needs a display')
    expect(ended.stderr).toContain('npm package')
    expect([ended.status, ended.signal]).toEqual([1, null])
  }
})

test('the command line answers wherever Chromium’s switches stand, and ends with its own status', async ({
  folder,
  config,
  display,
}) => {
  writeNoise(join(folder, 'noise.npy'), 64)
  const { program, application } = electronRuntime()!
  const run = (...parameters: string[]) =>
    spawnSync(program, parameters, { env: desktopEnvironment({ config, display }), cwd: folder, encoding: 'utf8' })
  for (const parameters of [
    ['--no-sandbox', application, 'inspect', 'noise.npy', '--json'],
    [application, 'inspect', '--no-sandbox', 'noise.npy', '--json'],
    [application, 'inspect', 'noise.npy', '--json', '--no-sandbox'],
  ]) {
    const { stdout, status } = run(...parameters)
    expect(JSON.parse(stdout)).toMatchObject({ format: 'npy' })
    expect(status).toBe(0)
  }
  expect(run('--no-sandbox', application, 'inspect', 'absent.npy').status).toBe(1)
})
