/**
 * package.json "main": what Electron runs. `ghostsvd COMMAND ...` of a packaged application is the command line, before any window;
 * everything else is the application, and what is named are files to open.
 */
import { app } from 'electron/main'
import { commandLine, isCommand } from './cli/program.ts'
import { runDesktop } from './desktop/desktop.ts'
import { openDeviceWindow } from './desktop/device/device-window.ts'
import { offerCommandDevice } from './desktop/device/linux-switches.ts'
import { spawnModelProcess, spawnUtilityProcess } from './desktop/engine/engine-process.ts'
import { exitApplication } from './desktop/lifecycle/exit.ts'
import { filesOf, lacksDisplay, namesGpu, ownParameters } from './desktop/lifecycle/parameters.ts'
import { prepareDesktop } from './desktop/lifecycle/prepare.ts'
import { hardenContents } from './desktop/window/window.ts'
import { openDevicesBy, spawnEnginesBy, spawnModelsBy } from './engine/parent/host-process.ts'

const parameters = ownParameters(process.argv, process.defaultApp === true)
if (lacksDisplay(process.platform, process.env, process.argv)) {
  // In place of Chromium's abort, which comes next.
  process.stderr.write(
    'The GhostSVD application needs a display, for its commands too. On a machine without one, install the npm package (ghostsvd-VERSION.tgz) instead: the same commands, and "ghostsvd serve" for the page.\n',
  )
  process.exit(1)
}
// Electron's program cannot be forked as node: that fuse is off.
spawnEnginesBy(spawnUtilityProcess)
spawnModelsBy(spawnModelProcess)
const runsCommand = isCommand(parameters[0])
const wantsGpu = runsCommand && namesGpu(parameters)
if (!runsCommand || wantsGpu) openDevicesBy(openDeviceWindow)
prepareDesktop()
if (wantsGpu) offerCommandDevice()
// No top-level await: the application becomes ready only after its entry has been evaluated.
if (runsCommand) void runCommand()
else void runDesktop(filesOf(parameters, process.cwd()))

async function runCommand(): Promise<void> {
  // Nothing is drawn: no process for it, unless products are made there.
  if (!wantsGpu) app.disableHardwareAcceleration()
  // A window that is a GPU may be the only one, and go before the command has ended.
  app.on('window-all-closed', () => {})
  app.on('web-contents-created', (_event, contents) => hardenContents(contents))
  await app.whenReady()
  const status = await commandLine(['', '', ...parameters]).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    return 1
  })
  // Written before the process ends: a pipe may still hold what was printed last.
  await Promise.all(
    [process.stdout, process.stderr].map((stream) => new Promise<void>((done) => stream.write('', () => done()))),
  )
  exitApplication(status)
}
