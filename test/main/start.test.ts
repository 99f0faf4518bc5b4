/** `npm start` with a runtime that is a script: what it is given, and what happens when it ends at once. */
import { spawn } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const start = resolve(import.meta.dirname, '../../out/main/start.js')
/** Electron's sandbox refuses root, so that npm start does not try: as root the test is somebody else. */
const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : null

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ghostsvd-start-'))
  await mkdir(join(folder, 'home'))
  if (nobody) for (const path of [folder, join(folder, 'home')]) await chown(path, nobody.uid, nobody.gid)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function startWith(script: string) {
  await writeFile(join(folder, 'electron'), `#!/bin/sh\n${script}\n`)
  await chmod(join(folder, 'electron'), 0o755)
  const lines: string[] = []
  const child = spawn(process.execPath, [start, join(folder, 'home')], {
    env: {
      // No browser and no xdg-open: nothing may open a window here.
      PATH: folder,
      DISPLAY: ':none',
      HOME: join(folder, 'home'),
      TMPDIR: join(folder, 'home'),
      ELECTRON_OVERRIDE_DIST_PATH: folder,
      ELECTRON_RUN_AS_NODE: '1',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
    ...nobody,
  })
  createInterface(child.stdout!).on('line', (line) => lines.push(line))
  const ended = new Promise<number | null>((settle) => child.on('exit', settle))
  return { child, lines, ended }
}

describe.skipIf(process.platform === 'win32')('npm start', () => {
  it('runs the application in Electron, which never takes itself for node', async () => {
    const { ended, lines } = await startWith(`/usr/bin/env > "$HOME/environment"; echo "$@" > "$HOME/arguments"`)
    expect(await ended).toBe(0)
    expect(lines).toEqual([])
    expect(await readFile(join(folder, 'home/environment'), 'utf8')).not.toContain('ELECTRON_RUN_AS_NODE')
    expect((await readFile(join(folder, 'home/arguments'), 'utf8')).trim()).toBe(resolve(start, '../../..'))
  })

  it('serves the page all the same when Electron ends at once, and says why', async () => {
    const { child, ended, lines } = await startWith('exit 127')
    const deadline = AbortSignal.timeout(20_000)
    while (lines.length < 3 && !deadline.aborted) await new Promise((settle) => setTimeout(settle, 20))
    expect(lines[0]).toBe(
      "Electron's runtime cannot be used (a library of the system is missing, as said above); the page opens in a browser instead.",
    )
    const reply = await fetch(lines[1]!, { redirect: 'manual' })
    expect(reply.status).toBe(303)
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
  })
})
