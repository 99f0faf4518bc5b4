/**
 * The files of Electron's runtime that a packager looks for, with nothing in them: what is packed around it has the true layout and
 * cannot be started. Its program carries the fuse wire, so that fuses are set in it as in the real one.
 */

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** Marks the fuse wire in Electron's program; then its version, its length, and one character a fuse. */
const fuseSentinel = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX'
const fuseWireVersion = 1
const fuses = 8

/** @param folder an empty folder; receives a Linux runtime of the version in package.json */
export function makeStandInRuntime(folder: string): void {
  const { version } = createRequire(import.meta.url)('electron/package.json') as { version: string }
  mkdirSync(join(folder, 'resources'))
  mkdirSync(join(folder, 'locales'))
  const files = [
    'LICENSE',
    'LICENSES.chromium.html',
    'chrome-sandbox',
    'icudtl.dat',
    'resources.pak',
    'locales/en-US.pak',
  ]
  for (const file of files) writeFileSync(join(folder, file), '')
  writeFileSync(join(folder, 'version'), version)
  const wire = Buffer.concat([
    Buffer.from(fuseSentinel),
    Buffer.from([fuseWireVersion, fuses]),
    Buffer.from('0'.repeat(fuses)),
  ])
  writeFileSync(join(folder, 'electron'), Buffer.concat([Buffer.from('a stand-in for Electron\n'), wire]))
  chmodSync(join(folder, 'electron'), 0o755)
}
