/** Entry of the engine process, forked by main (supervisor.ts): one for each window, one for each compression run. */

import { deviceSpawner } from './device/spawn-device.ts'
import { windowSpawner } from './device/window-device.ts'
import { siblingEntry } from './entries.ts'
import { serveEngine } from './loop/engine-loop.ts'
import { parentLink } from './loop/link.ts'
import { threadSpawner } from './threads.ts'

// As node does by itself; a utility process of Electron would only warn.
process.on('unhandledRejection', (reason) => {
  throw reason
})
const link = parentLink()
const spawnDevice = process.versions.electron === undefined ? deviceSpawner() : windowSpawner(link)
serveEngine(link, { entry: siblingEntry('driver'), spawn: threadSpawner(), spawnDevice })
