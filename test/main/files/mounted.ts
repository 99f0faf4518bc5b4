/** File systems of a test's own: small ones, read-only ones. */
import { execFileSync } from 'node:child_process'
import { afterEach } from 'vitest'
import { temporaryFolder } from '../engine/harness.ts'

const unmount: string[] = []
afterEach(() => {
  for (const path of unmount.splice(0)) execFileSync('umount', [path])
})

/** A folder with a file system of its own, as `mount` makes it with these arguments; null where this system does not let a test mount one. */
export function mounted(...args: string[]): string | null {
  const path = temporaryFolder()
  try {
    execFileSync('mount', [...args, path], { stdio: 'ignore' })
    unmount.push(path)
    return path
  } catch {
    return null
  }
}
