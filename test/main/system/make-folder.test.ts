import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeFolder, makeFolderSync, ownFolder } from '../../../main/system/make-folder.ts'
import { can } from '../../system.ts'
import { temporaryFolder } from '../engine/harness.ts'

describe.each([
  ['makeFolder', makeFolder],
  ['makeFolderSync', async (path: string, mode?: number) => makeFolderSync(path, mode)],
])('%s', (_, make) => {
  it('makes what leads to it, and takes what is there', async () => {
    const path = temporaryFolder()
    await make(join(path, 'a', 'b', 'c'), ownFolder)
    await make(join(path, 'a', 'b', 'c'))
    if (can.posix) expect(statSync(join(path, 'a')).mode & 0o777).toBe(ownFolder)
    mkdirSync(join(path, 'a', 'd'))
    await make(join(path, 'a', 'd', 'e'))
    expect(statSync(join(path, 'a', 'd', 'e')).isDirectory()).toBe(true)
  })
  it('is told of a file in its way', async () => {
    const path = temporaryFolder()
    writeFileSync(join(path, 'file'), '')
    await expect(make(join(path, 'file'))).rejects.toMatchObject({ code: 'EEXIST' })
    // Windows says of what is in a file that nothing is; then the file is found in the way of its folder.
    await expect(make(join(path, 'file', 'a'))).rejects.toMatchObject({ code: can.posix ? 'ENOTDIR' : 'EEXIST' })
  })
  it.runIf(process.platform === 'linux')(
    'ends where the system says that nothing is in a folder that is there',
    async () => {
      await expect(make('/proc/ghostsvd/history')).rejects.toMatchObject({ code: 'ENOENT' })
    },
  )
})
