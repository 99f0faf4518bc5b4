/**
 * package.json "main": what Electron runs. `ghostsvd COMMAND ...` of a packaged application is the command line, before any window;
 * everything else is the application.
 */
import { app } from 'electron/main'
import { commandLine, isCommand } from './cli/program.ts'
import { prepareDesktop, runDesktop } from './desktop/desktop.ts'
import { spawnUtilityProcess } from './desktop/engine-process.ts'
import { spawnEnginesBy } from './engine/host-process.ts'

// Electron's own arguments come first: the program, and the application's folder unless it is packaged.
const parameters = process.argv.slice(app.isPackaged ? 1 : 2)
// Electron's program cannot be forked as node: that fuse is off.
spawnEnginesBy(spawnUtilityProcess)
prepareDesktop()
// No top-level await: the application becomes ready only after its entry has been evaluated.
if (isCommand(parameters[0])) {
  void app
    .whenReady()
    .then(() => commandLine(['', '', ...parameters]))
    .then((status) => app.exit(status))
} else void runDesktop()
