import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { discardUnfinished, outputFolder } from '../../../main/files/outputs.ts'
import { can } from '../../system.ts'
import { temporaryFolder } from '../engine/harness.ts'
import { journalText, leaveLock } from '../left-over.ts'

const folderAt = (path: string, sources: string[] = []) => outputFolder(path, { overwrite: true, sources })
const names = ['out.partial', 'out.journal.partial', 'out.partial.lock', 'out.partial.lock.old']

describe('a source under a name that a run would use', () => {
  it.each([
    ...names.map((name) => [name, name]),
    ...names.map((name) => [`${name}/model.safetensors`, name]),
    ['out.partial/deep/down/model.safetensors', 'out.partial'],
  ] as [string, string][])('%s is refused, and stays', async (source, named) => {
    const path = temporaryFolder()
    const file = join(path, source)
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, 'weights')
    await expect(folderAt(path, [file]).hold('out')).rejects.toMatchObject({
      code: 'would-overwrite',
      message: `${named} is the source itself, or has it inside. Choose another name for out.`,
    })
    expect(readFileSync(file, 'utf8')).toBe('weights')
  })

  it.runIf(can.link)('is found behind links, on either side', async () => {
    const path = temporaryFolder()
    mkdirSync(join(path, 'elsewhere'))
    writeFileSync(join(path, 'elsewhere', 'model'), 'weights')
    symlinkSync(join(path, 'elsewhere'), join(path, 'out.partial'))
    await expect(folderAt(path, [join(path, 'elsewhere', 'model')]).hold('out')).rejects.toThrow(/the source itself/)
    await expect(folderAt(path, [join(path, 'out.partial', 'model')]).hold('out')).rejects.toThrow(/the source itself/)
  })
})

describe("a stranger's file or folder under such a name", () => {
  const stranger = async (path: string, kind: 'file' | 'folder', name: string) => {
    if (kind === 'file') writeFileSync(join(path, name), 'a thesis')
    else {
      mkdirSync(join(path, name))
      writeFileSync(join(path, name, 'thesis.txt'), 'a thesis')
    }
  }

  it.each(names.flatMap((name) => (['file', 'folder'] as const).map((kind) => [kind, name] as const)))(
    'is refused and stays: a %s %s',
    async (kind, name) => {
      const path = temporaryFolder()
      await stranger(path, kind, name)
      const folder = folderAt(path)
      await expect(folder.hold('out')).rejects.toMatchObject({
        code: 'would-overwrite',
        message: `${name} is in the way, and nothing says that an unfinished run left it. Move it or remove it, or choose another name for out.`,
      })
      await discardUnfinished(join(path, 'out'))
      expect(existsSync(join(path, name))).toBe(true)
      if (name === 'out.partial')
        for (const begin of ['create', 'subfolder'] as const)
          await expect(folder[begin]('out', 1)).rejects.toMatchObject({ code: 'would-overwrite' })
      expect(readFileSync(kind === 'file' ? join(path, name) : join(path, name, 'thesis.txt'), 'utf8')).toBe('a thesis')
    },
  )

  it('is not made ours by a journal that is none, however it looks', async () => {
    for (const text of ['{"journal":2}\n{}\n', '{}\n', 'diary of a run', journalText(1).replaceAll(' ', '  ')]) {
      const path = temporaryFolder()
      await stranger(path, 'folder', 'out.partial')
      writeFileSync(join(path, 'out.journal.partial'), text)
      await expect(folderAt(path).hold('out'), text).rejects.toThrow(/is in the way/)
      expect(readFileSync(join(path, 'out.partial', 'thesis.txt'), 'utf8')).toBe('a thesis')
    }
  })
})

describe('what an earlier run left', () => {
  it.each([
    ['its lock', (target: string) => leaveLock(target)],
    ['its journal', async (target: string) => writeFileSync(`${target}.journal.partial`, journalText(1))],
    [
      'its journal with a damaged head',
      async (target: string) => writeFileSync(`${target}.journal.partial`, `#${journalText(3).slice(1)}`),
    ],
  ])('is replaced where %s says that it is ours', async (_, leave) => {
    const path = temporaryFolder()
    writeFileSync(join(path, 'out.partial'), 'half')
    await leave(join(path, 'out'))
    const folder = folderAt(path)
    const hold = await folder.hold('out')
    const sink = await folder.create('out', 1)
    await sink.write(Uint8Array.of(1))
    await sink.close()
    await hold.release()
    expect(readFileSync(join(path, 'out'))).toHaveLength(1)
  })

  it('is not discarded while another run writes the name', async () => {
    const path = temporaryFolder()
    const folder = folderAt(path)
    const hold = await folder.hold('out')
    const sink = await folder.create('out', 1)
    await sink.write(Uint8Array.of(1))
    await expect(discardUnfinished(join(path, 'out'))).rejects.toThrow(/is being written by another run/)
    expect(existsSync(join(path, 'out.partial'))).toBe(true)
    await sink.abort()
    await hold.release()
  })
})
