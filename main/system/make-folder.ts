/**
 * Folders, with those that lead to them. Node's own recursive form makes a parent again and again where the system says of a folder that is
 * there that nothing is - in /proc, on automounters, in a folder that was removed while it is open - and hears no signal meanwhile.
 */
import { mkdirSync, statSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errno } from './errno.ts'

/** Only this user can enter it. */
export const ownFolder = 0o700

/** @throws what the system says, where there is none in the end */
export async function makeFolder(path: string, mode?: number): Promise<void> {
  try {
    await mkdir(path, mode)
  } catch (error) {
    if ((await stat(path).catch(() => null))?.isDirectory()) return
    if (!lacksParent(error, path)) throw error
    await makeFolder(dirname(path), mode)
    await mkdir(path, mode).catch(async (error: unknown) => {
      // Another process has made it meanwhile.
      if (!(await stat(path).catch(() => null))?.isDirectory()) throw error
    })
  }
}

/** The same, for what cannot wait. */
export function makeFolderSync(path: string, mode?: number): void {
  try {
    mkdirSync(path, mode)
  } catch (error) {
    const isThere = () => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
    if (isThere()) return
    if (!lacksParent(error, path)) throw error
    makeFolderSync(dirname(path), mode)
    if (!isThere()) mkdirSync(path, mode)
  }
}

function lacksParent(error: unknown, path: string): boolean {
  return errno(error) === 'ENOENT' && dirname(path) !== path
}
