import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readFault } from '../../../main/files/file-errors.ts'
import { openSource, pickSource, singleComponent, sourceFolder } from '../../../main/files/files.ts'
import { can } from '../../system.ts'
import { temporaryFolder } from '../engine/harness.ts'

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i)

function fileIn(folder: string, name = 'weights.bin'): string {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

function replace(path: string): void {
  writeFileSync(`${path}.new`, bytes)
  renameSync(`${path}.new`, path)
}

describe('source', () => {
  it('reads any range, clamped to the file', async () => {
    const source = await openSource(fileIn(temporaryFolder()))
    expect(source.byteLength).toBe(1000)
    expect(await source.slice(10, 20)).toEqual(bytes.slice(10, 20))
    expect(await source.slice(990, 2000)).toEqual(bytes.slice(990))
    expect(await source.slice(2000, 3000)).toHaveLength(0)
    await source.close()
  })

  it.each<[string, (path: string) => void, RegExp, possible?: boolean]>([
    ['removed', (path) => rmSync(path), /removed or renamed/, can.removeOpenFiles],
    ['renamed', (path) => renameSync(path, `${path}.old`), /removed or renamed/],
    ['replaced', replace, /replaced/, can.replaceOpenFiles],
    ['grown', (path) => appendFileSync(path, 'more'), /had 1,000 bytes and has 1,004/],
    ['cut', (path) => writeFileSync(path, bytes.slice(0, 500)), /expected 1,000 bytes, found 500/],
    ['rewritten', (path) => utimesSync(path, 1, 1), /was modified/],
  ])('notices that it was %s', async (_, change, sentence, possible = true) => {
    if (!possible) return
    const path = fileIn(temporaryFolder())
    const source = await openSource(path)
    expect(await source.slice(0, 1000)).toEqual(bytes)
    change(path)
    await expect(source.slice(0, 1000)).rejects.toMatchObject({
      code: 'source-changed',
      message: expect.stringMatching(sentence),
    })
    await source.close()
  })

  it('names the file, never its folder', async () => {
    const folder = join(temporaryFolder(), 'private')
    mkdirSync(folder)
    for (const open of [
      () => openSource(join(folder, 'missing')),
      () => openSource(folder),
      () => sourceFolder(join(folder, 'nowhere')).list(),
    ]) {
      const error = await open().catch((error: Error) => error)
      expect(error).toMatchObject({ name: 'AppError' })
      expect((error as Error).message).not.toContain('/')
    }
  })

  it.runIf(can.posix)('refuses a pipe instead of waiting for its writer', async () => {
    const path = join(temporaryFolder(), 'pipe')
    execFileSync('mkfifo', [path])
    await expect(openSource(path)).rejects.toMatchObject({ code: 'bad-request' })
  })

  it.each([
    ['EACCES', 'x could not be read: permission was denied.'],
    ['EIO', 'x could not be read: the disk reported an input/output error.'],
    ['EWHAT', 'x could not be read: the system said EWHAT.'],
  ])('says what %s means', (code, message) => {
    const error = Object.assign(new Error("open '/home/someone/x'"), { code })
    expect(readFault(error, 'x')).toMatchObject({ name: 'AppError', message })
  })

  it("passes a fault that is not the file system's on unchanged", () => {
    const fault = new TypeError('a bug')
    expect(readFault(fault, 'x')).toBe(fault)
  })
})

describe('folder of sources', () => {
  it.each(['', '.', '..', '../x', 'a/b', '/etc/passwd', 'a\\b', '..\\x', 'C:x', 'c:\\x', 'a\0b'])(
    'refuses the name %j of an index file',
    async (name) => {
      expect(() => singleComponent(name)).toThrow(/is not the name of a file in this folder/)
      await expect(sourceFolder(temporaryFolder()).open(name)).rejects.toMatchObject({ code: 'bad-file' })
    },
  )

  it.runIf(can.link)('lists in order and opens what a link leads to', async () => {
    const folder = temporaryFolder()
    const stored = fileIn(temporaryFolder())
    fileIn(folder, 'b')
    symlinkSync(stored, join(folder, 'a'))
    const picked = await pickSource(join(folder, 'a'), 'file')
    expect(picked.entry).toBe('a')
    expect(await picked.folder.list()).toEqual(['a', 'b'])
    const source = await picked.folder.open('a')
    expect(await source.slice(0, 3)).toEqual(new Uint8Array(readFileSync(stored).subarray(0, 3)))
    await source.close()
    expect((await pickSource(folder, 'folder')).entry).toBeNull()
  })
})
