/**
 * On Linux Chromium has WebGPU only with two switches that cannot be given once it runs, and the second one moves all that it draws to Vulkan, which not every
 * driver survives. So they are given to a start only where the one before was asked for a GPU by name, which leaves a note, or a command names one. The
 * note is used up by that start: where it goes wrong the next one is as it always was, and who uses no GPU any more is back there by himself. Where it cannot
 * be written or removed there is no GPU, and the application starts all the same.
 */
import { closeSync, constants, openSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { app } from 'electron/main'
import { configFolder } from '../../system/folders.ts'
import { makeFolderSync, ownFolder } from '../../system/make-folder.ts'

const webgpu = 'enable-unsafe-webgpu'
const feature = 'Vulkan'
const notePath = () => join(configFolder(), 'browser', 'gpu-wanted')

let offers = process.platform !== 'linux'
/** A command has its own start, and says nothing of the next one of the window. */
let leavesNotes = true

/** Before Electron is ready, in the window's own start. */
export function offerNotedDevice(): void {
  if (process.platform !== 'linux') return
  const noted = done(() => rmSync(notePath()))
  offerIf(noted || app.commandLine.hasSwitch(webgpu))
}

/** Before Electron is ready, for a command that names a GPU. */
export function offerCommandDevice(): void {
  leavesNotes = false
  if (process.platform === 'linux') offerIf(true)
}

function offerIf(wanted: boolean): void {
  offers = wanted
  if (!offers) return
  app.commandLine.appendSwitch(webgpu)
  // The last of several is the one that counts.
  const others = app.commandLine.getSwitchValue('enable-features')
  app.commandLine.appendSwitch('enable-features', others === '' ? feature : `${others},${feature}`)
}

/** Whether Chromium was started so that it may have a GPU to compute on. */
export function offersDevice(): boolean {
  return offers
}

/** For the next start. @returns whether that will know of it */
export function noteDeviceAsked(): boolean {
  if (process.platform !== 'linux' || !leavesNotes) return true
  return done(() => {
    makeFolderSync(dirname(notePath()), ownFolder)
    // Not waiting: a pipe under this name has no reader.
    const { O_WRONLY, O_CREAT, O_NONBLOCK } = constants
    closeSync(openSync(notePath(), O_WRONLY | O_CREAT | O_NONBLOCK, 0o600))
  })
}

/** Whether the disk let it be done. */
function done(change: () => void): boolean {
  try {
    change()
    return true
  } catch {
    return false
  }
}
