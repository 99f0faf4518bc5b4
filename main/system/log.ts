/**
 * What went wrong, kept for debugging: faults with their stacks, and how engines ended. A text file of this user, bounded; it never
 * leaves the machine by itself, and nothing in it is needed for anything.
 */
import { appendFileSync, closeSync, constants, fstatSync, openSync, renameSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { makeFolderSync, ownFolder } from './make-folder.ts'

export type Log = (text: string) => void

export const logPath = (configFolder: string): string => join(configFolder, 'log.txt')

/** Appends to a file; beyond `limitBytes` the file becomes PATH.old, which replaces the former one. Never throws. */
export function fileLog(path: string, limitBytes = 1_000_000): Log {
  return (text) => {
    try {
      makeFolderSync(dirname(path), ownFolder)
      if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > limitBytes) renameSync(path, `${path}.old`)
      append(path, `${new Date().toISOString()} ${text.trimEnd()}\n`)
    } catch {
      // A full or read-only disk is told where it matters; a log that cannot be kept is no reason to stop anything.
    }
  }
}

/** A pipe under this name would be waited for until somebody reads it, by a thread that then hears no signal: it is not written to. */
function append(path: string, text: string): void {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK = 0 } = constants
  const file = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o600)
  try {
    if (fstatSync(file).isFile()) appendFileSync(file, text)
  } finally {
    closeSync(file)
  }
}
