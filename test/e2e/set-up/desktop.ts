/** The desktop application as the tests start it, with the system's dialogs answered by them. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type ElectronApplication, _electron as electron, type Page } from '@playwright/test'
import { electronRuntime } from './electron-runtime.ts'

export interface Desktop {
  readonly application: ElectronApplication
  /** What a test picks or saves in a dialog lies here. */
  readonly folder: string
  /** Settings, history and Chromium's own data of this application alone. */
  readonly config: string
}

export interface DesktopOptions {
  readonly folder: string
  readonly config: string
  /** As DISPLAY names it. */
  readonly display: string
  /** What follows the application on its command line. */
  readonly parameters?: readonly string[]
  /** The user's language, `zh-CN` say. */
  readonly locale?: string
}

export async function startDesktop(options: DesktopOptions): Promise<Desktop> {
  const { folder, config, parameters = [], locale } = options
  const runtime = electronRuntime()!
  const application = await electron.launch({
    executablePath: runtime.program,
    args: [...(locale ? [`--lang=${locale}`] : []), runtime.application, ...parameters],
    // Chromium takes the switch, Linux tells the application what it has in its environment.
    env: { ...desktopEnvironment(options), ...(locale ? { LANGUAGE: locale.replace('-', '_') } : {}) },
  })
  await application.evaluate(({ dialog }, into) => {
    dialog.showOpenDialog = () => Promise.reject(new Error('No test has answered this dialog.'))
    // Saved under the proposed name, and who is asked whether to end a run agrees.
    dialog.showSaveDialog = async (...parameters: unknown[]) => {
      const { defaultPath } = parameters.at(-1) as { defaultPath: string }
      return { canceled: false, filePath: `${into}/${defaultPath}` }
    }
    dialog.showMessageBoxSync = () => 1
    dialog.showMessageBox = async () => ({ response: 1, checkboxChecked: false })
  }, folder)
  return { application, folder, config }
}

export function desktopEnvironment({
  config,
  display,
}: Pick<DesktopOptions, 'config' | 'display'>): Record<string, string> {
  const { ELECTRON_RUN_AS_NODE: _, ...environment } = process.env as Record<string, string>
  return { ...environment, GHOSTSVD_CONFIG: config, ...(display ? { DISPLAY: display } : {}) }
}

/** What the next "Open" dialogs answer: files, named as seen from the test's folder, or none for a dialog that is cancelled. */
export async function answerOpen({ application, folder }: Desktop, ...names: string[]): Promise<void> {
  const paths = names.map((name) => resolve(folder, name))
  await application.evaluate(({ dialog }, filePaths) => {
    dialog.showOpenDialog = async () => ({ canceled: filePaths.length === 0, filePaths })
  }, paths)
}

/** What the next "Save" dialogs answer: this name in the test's folder, or null for a dialog that is cancelled. */
export async function answerSave({ application, folder }: Desktop, name: string | null): Promise<void> {
  await application.evaluate(
    ({ dialog }, filePath) => {
      dialog.showSaveDialog = async () => ({ canceled: filePath === '', filePath })
    },
    name === null ? '' : join(folder, name),
  )
}

/** Lets the page save something, in place of a dialog that belongs to Chromium and not to Electron. */
export async function saveDownload(
  { application, config }: Desktop,
  act: () => Promise<void>,
): Promise<{ name: string; bytes: Buffer }> {
  const ended = await application.evaluateHandle(
    ({ session }, path) => {
      const name = new Promise<string>((resolve) => {
        session.defaultSession.once('will-download', (_event, item) => {
          item.setSavePath(path)
          item.once('done', () => resolve(item.getFilename()))
        })
      })
      return { name }
    },
    join(config, 'download'),
  )
  await act()
  const name = await ended.evaluate((download) => download.name)
  return { name, bytes: readFileSync(join(config, 'download')) }
}

/** Drops real files on the page, as a file manager does. */
export async function dropFiles(page: Page, ...files: string[]): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const data = { items: [], files, dragOperationsMask: 1 }
  // A drag lasts: the page moves under it when it says where to drop.
  for (const type of ['dragEnter', 'dragOver', 'dragOver', 'dragOver', 'drop'] as const)
    await session.send('Input.dispatchDragEvent', { type, x: 600, y: 300, data })
  await session.detach()
}

/** Processes of the engines. */
export async function desktopEngines({ application }: Desktop): Promise<number[]> {
  const metrics = await application.evaluate(({ app }) => app.getAppMetrics())
  return metrics.filter(({ name }) => name?.startsWith('GhostSVD engine')).map(({ pid }) => pid)
}
