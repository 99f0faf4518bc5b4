import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { pickSource, sameFile } from '../../../main/files/files.ts'
import { outputFolder } from '../../../main/files/outputs.ts'
import { liesWithin, samePath } from '../../../main/files/paths.ts'
import { temporaryFolder } from '../engine/harness.ts'

describe('paths', () => {
  it.each([
    ['C:\\models\\Out.safetensors', 'c:/models/out.SAFETENSORS'],
    ['C:\\models\\out', '\\\\?\\C:\\models\\out'],
    ['\\\\server\\share\\out', '\\\\?\\UNC\\server\\share\\out'],
    ['C:\\models\\out', 'C:\\models\\.\\x\\..\\out. .'],
  ])('are one on Windows: %s, %s', (a, b) => {
    expect(samePath(a, b, 'win32')).toBe(true)
  })

  it('are two on Windows where a letter differs, or only the writing of an accent', () => {
    expect(samePath('C:\\models\\out', 'D:\\models\\out', 'win32')).toBe(false)
    expect(samePath('C:\\caf\u00e9', 'C:\\cafe\u0301', 'win32')).toBe(false)
  })

  it('are one on macOS in whatever case and form', () => {
    expect(samePath('/Models/caf\u00e9', '/models/cafe\u0301', 'darwin')).toBe(true)
  })

  it('are one elsewhere only where every letter is the same', () => {
    expect(samePath('/models/a/../out', '/models/out', 'linux')).toBe(true)
    expect(samePath('/models/Out', '/models/out', 'linux')).toBe(false)
  })

  it('lie within a folder, not beside it under a longer name', () => {
    const folder = join(temporaryFolder(), 'a')
    expect([folder, join(folder, 'b'), `${folder}b`].map((path) => liesWithin(folder, path))).toEqual([
      true,
      true,
      false,
    ])
  })
})

it('tells files apart where the file system gives all of them the number 0', () => {
  const of = (place: string) => ({
    ...{ device: 1n, inode: 0n, byteLength: 3, modifiedNs: 0n, changedNs: 0n, regular: true },
    place,
  })
  expect(sameFile(of('/a'), of('/b'))).toBe(false)
  expect(sameFile(of('/a'), of('/a'))).toBe(true)
})

describe.runIf(process.platform === 'win32')('a name that was typed in another way than its folder lists it', () => {
  const listed = 'model-00001-of-00002.safetensors'

  it('is the listed one', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, listed), '')
    expect((await pickSource(join(folder, listed.toUpperCase()), 'file')).entry).toBe(listed)
  })

  it('is refused as an output where it is a source', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, listed), 'weights')
    const target = outputFolder(folder, { overwrite: true, sources: [join(folder, listed)] })
    await expect(target.create(listed.toUpperCase(), 3)).rejects.toMatchObject({ code: 'would-overwrite' })
    expect(readdirSync(folder)).toEqual([listed])
  })
})

it('is taken as it was typed where its folder lists just that', async () => {
  const folder = temporaryFolder()
  for (const name of ['a', 'b']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'A.npy'), '')
  expect((await pickSource(join(folder, 'A.npy'), 'file')).entry).toBe('A.npy')
  expect((await pickSource(join(folder, 'missing.npy'), 'file')).entry).toBe('missing.npy')
})
