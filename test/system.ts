/**
 * What the system that runs the tests can do. A test that needs something of it says so by these names - `it.runIf(can.link)` - and the reason
 * stands here, once. Found out by trying where that can be tried: Wine, a user without rights and a real Windows differ.
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const isWindows = process.platform === 'win32'

export const can = {
  /** Symbolic links: on Windows a user needs a right for them, Wine makes none. */
  link: tried((folder) => {
    writeFileSync(join(folder, 'file'), '')
    symlinkSync(join(folder, 'file'), join(folder, 'link'))
    return existsSync(join(folder, 'link'))
  }),
  /** The name of a file that is open is free at once when it is removed: Wine keeps it until the file is closed. */
  removeOpenFiles: tried((folder) => {
    const file = openSync(join(folder, 'file'), 'w')
    rmSync(join(folder, 'file'))
    const gone = readdirSync(folder).length === 0
    closeSync(file)
    return gone
  }),
  /** Another file takes the name of one that is open: not on Windows. */
  replaceOpenFiles: tried((folder) => {
    writeFileSync(join(folder, 'new'), '')
    const file = openSync(join(folder, 'file'), 'w')
    try {
      renameSync(join(folder, 'new'), join(folder, 'file'))
    } finally {
      closeSync(file)
    }
    return true
  }),
  /** Nothing takes the name of a file that is marked as read-only: so it is on Windows alone, and not under Wine. */
  protectByAttribute:
    isWindows &&
    !tried((folder) => {
      writeFileSync(join(folder, 'new'), '')
      writeFileSync(join(folder, 'file'), '')
      chmodSync(join(folder, 'file'), 0o444)
      renameSync(join(folder, 'new'), join(folder, 'file'))
      return true
    }),
  /** A folder can be synced, and with it the names in it: not on Windows, whose file system keeps their order by itself. */
  syncFolders: tried((folder) => {
    const handle = openSync(folder, 'r')
    try {
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
    return true
  }),
  /** Pipes as files (mkfifo), devices in /dev, a shell at /bin/sh, signals that a process hears: what POSIX has and Windows has not. */
  posix: !isWindows,
  /** Processes as files in /proc. */
  proc: process.platform === 'linux',
} as const

function tried(attempt: (folder: string) => boolean): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'ghostsvd-test-'))
  try {
    return attempt(folder)
  } catch {
    return false
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}
