/** Which names a file can have, on this system and on every other: one check for uploads, targets of the page and outputs. */

import { AppError } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import { quoted } from '../../core/messages/text.ts'

/** Devices of DOS, which Windows finds under these names in every folder, whatever their ending. */
const device = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])( *\..*)?$/i
/** What Windows reads as a stream, a wildcard or a redirection. */
const reserved = /[<>:"|?*]/
/** Of one component, on every file system in use. */
const maxNameBytes = 255
/** Room for the endings that a run appends while it writes: `.journal.partial.lock` and the like. */
const reservedBytes = 55

/** Whether `name` is one component of a path that this system can store, with room for the endings of what is unfinished. */
export function isFileName(name: string, platform: NodeJS.Platform = process.platform): boolean {
  if (name === '' || name === '.' || name === '..' || /[/\\\p{Cc}]/u.test(name)) return false
  if (Buffer.byteLength(name) > maxNameBytes - reservedBytes) return false
  return platform !== 'win32' || isWindowsName(name)
}

/** Whether every system can store it: for names that come from elsewhere and mean nothing to anybody here. */
export function isPortableFileName(name: string): boolean {
  return isFileName(name) && isWindowsName(name) && !name.startsWith('.')
}

/** @throws AppError `bad-request` */
export function assertFileName(name: string): void {
  if (!isFileName(name)) throw new AppError('bad-request', say('files.bad-name', { name: quoted(name) }))
}

function isWindowsName(name: string): boolean {
  return !reserved.test(name) && !device.test(name) && !/[. ]$/.test(name)
}
