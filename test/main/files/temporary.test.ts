import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../../main/files/temporary.ts'
import { type ProcessIdentity, thisProcess } from '../../../main/system/process-identity.ts'
import { can } from '../../system.ts'
import { temporaryFolder as folderForTest } from '../engine/harness.ts'

/** A folder as a host has left it. */
function left(parent: string, name: string, owner: ProcessIdentity): string {
  const folder = join(parent, name)
  mkdirSync(join(folder, 'uploads'), { recursive: true })
  writeFileSync(join(folder, 'uploads', 'model.npy'), 'weights')
  writeFileSync(join(folder, 'owner.json'), JSON.stringify({ ghostsvd: 'temporary folder', process: owner }))
  return folder
}

it('removes what a killed host left, and nothing of one that lives, of another machine or of anybody else', async () => {
  const parent = folderForTest()
  const mine = await thisProcess()
  // No process has an id so large.
  const dead = left(parent, 'ghostsvd-dead', { ...mine, pid: 2 ** 22 + 5 })
  const kept = [
    left(parent, 'ghostsvd-alive', mine),
    left(parent, 'ghostsvd-elsewhere', { ...mine, host: 'another machine' }),
    left(parent, 'other-prefix', { ...mine, pid: 2 ** 22 + 5 }),
  ]
  mkdirSync(join(parent, 'ghostsvd-thesis'))
  writeFileSync(join(parent, 'ghostsvd-thesis', 'owner.json'), '{"ghostsvd":"temporary folder"}')
  symlinkSync(kept[0]!, join(parent, 'ghostsvd-link'))
  const folder = await temporaryFolder(parent)
  expect(existsSync(dead)).toBe(false)
  for (const each of kept) expect(readFileSync(join(each, 'uploads', 'model.npy'), 'utf8')).toBe('weights')
  expect(readdirSync(parent).sort()).toContain('ghostsvd-thesis')
  expect(JSON.parse(readFileSync(join(folder, 'owner.json'), 'utf8'))).toMatchObject({ process: mine })
})

it('removes an empty folder of one that was killed before it had written whose it is, once that is long ago', async () => {
  const parent = folderForTest()
  const longAgo = Date.now() / 1000 - 2 * 3600
  const make = (name: string, seconds: number, inside?: string) => {
    mkdirSync(join(parent, name))
    if (inside !== undefined) writeFileSync(join(parent, name, inside), '')
    utimesSync(join(parent, name), seconds, seconds)
  }
  const name = () => `ghostsvd-${randomUUID()}`
  const [killed, cut, beginning, filled, link] = [name(), name(), name(), name(), name()]
  make(killed, longAgo)
  make(cut, longAgo, 'owner.json')
  make(beginning, Date.now() / 1000)
  make(filled, longAgo, 'thesis.txt')
  make('ghostsvd-models', longAgo)
  if (can.link) symlinkSync(join(parent, 'ghostsvd-models'), join(parent, link))
  const own = basename(await temporaryFolder(parent))
  const staying = [beginning, filled, 'ghostsvd-models', ...(can.link ? [link] : []), own]
  expect(readdirSync(parent).sort()).toEqual(staying.sort())
})

it('says where it cannot be made', async () => {
  const absent = join(folderForTest(), 'absent')
  await expect(temporaryFolder(absent)).rejects.toMatchObject({
    code: 'cannot-write',
    message: expect.stringMatching(
      /^No temporary folder can be made in ".*absent" \(ENOENT\)\. Name another place in TMPDIR\.$/,
    ),
  })
})
