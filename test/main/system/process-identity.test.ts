import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it, vi } from 'vitest'
import { type ProcessIdentity, stillLives, thisProcess } from '../../../main/system/process-identity.ts'

const module = pathToFileURL(resolve(import.meta.dirname, '../../../main/system/process-identity.ts')).href

/** Its name stands before what is looked for, in a line of /proc that has spaces and parentheses of its own. */
const program = `process.title = 'x) 1 2 (y'
  const { thisProcess } = await import('${module}')
  console.log(JSON.stringify(await thisProcess()))
  setInterval(() => {}, 1e6)`

it('tells this process from another one with its id, and from one of another machine', async () => {
  const me = await thisProcess()
  expect(me).toMatchObject({ host: expect.stringContaining(hostname()), pid: process.pid })
  expect(await stillLives(me)).toBe(true)
  expect(await stillLives({ ...me, started: 'an earlier process' })).toBe(false)
  expect(await stillLives({ ...me, host: `not ${me.host}` })).toBeNull()
})

it.runIf(process.platform === 'linux')('tells that a process has ended whose parent never asks', async () => {
  const parent = spawn('/bin/sh', [
    '-c',
    `"$0" --input-type=module -e "$1" & exec sleep 1000`,
    process.execPath,
    program,
  ])
  const [line] = (await once(parent.stdout, 'data')) as [Buffer]
  const identity = JSON.parse(line.toString()) as ProcessIdentity
  expect(await stillLives(identity)).toBe(true)
  process.kill(identity.pid, 'SIGKILL')
  await vi.waitFor(async () => expect(await stillLives(identity)).toBe(false))
  // Still in the table of processes.
  expect(process.kill(identity.pid, 0)).toBe(true)
  parent.kill('SIGKILL')
  await once(parent, 'close')
})

it('tells when a process has been killed, whatever it calls itself', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const identity = JSON.parse(line.toString()) as ProcessIdentity
  expect(identity.pid).toBe(child.pid)
  expect(await stillLives(identity)).toBe(true)
  child.kill('SIGKILL')
  await once(child, 'close')
  expect(await stillLives(identity)).toBe(false)
  expect(await stillLives({ ...identity, started: null })).toBe(false)
})
