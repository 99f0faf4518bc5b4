import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { countUnfinished, discardUnfinished } from '../../../main/files/outputs.ts'
import { can } from '../../system.ts'
import { temporaryFolder } from '../engine/harness.ts'
import { journalText, leaveUnfinished } from '../left-over.ts'
import { mounted } from './mounted.ts'
import { bytes, fill, folderAt } from './output-folders.ts'

describe('target', () => {
  it('is refused when it exists, unless it may be replaced', async () => {
    const path = temporaryFolder()
    writeFileSync(join(path, 'out'), 'old')
    await expect(folderAt(path).create('out', 1)).rejects.toMatchObject({ code: 'would-overwrite' })
    const sink = await folderAt(path, { overwrite: true }).create('out', 3)
    await sink.write(bytes(3))
    expect(readFileSync(join(path, 'out'), 'utf8')).toBe('old')
    await sink.close()
    expect([...readFileSync(join(path, 'out'))]).toEqual([7, 7, 7])
  })

  it('is refused when somebody made it meanwhile', async () => {
    const path = temporaryFolder()
    const sink = await folderAt(path).create('out', 3)
    writeFileSync(join(path, 'out'), 'somebody')
    await expect(sink.close()).rejects.toMatchObject({ code: 'would-overwrite' })
    await sink.abort()
    expect(readdirSync(path)).toEqual(['out'])
    expect(readFileSync(join(path, 'out'), 'utf8')).toBe('somebody')
  })

  it.each<[string, (source: string, target: string) => void]>([
    ['its own name', () => {}],
    ['a hard link', linkSync],
    ...(can.link ? [['a symbolic link', symlinkSync] satisfies [string, unknown]] : []),
  ])('is never the source, reached by %s', async (how, make) => {
    const path = temporaryFolder()
    const source = join(path, 'source')
    writeFileSync(source, 'precious')
    const name = how === 'its own name' ? 'source' : 'other'
    make(source, join(path, name))
    const folder = folderAt(path, { overwrite: true, sources: [source] })
    await expect(folder.create(name, 1)).rejects.toThrow(/is the source itself/)
    expect(readFileSync(source, 'utf8')).toBe('precious')
  })

  it('does not grow over the source or its folder, nor removes them as something unfinished', async () => {
    const path = temporaryFolder()
    const source = join(path, 'out.partial')
    writeFileSync(source, 'precious')
    mkdirSync(join(path, 'set.partial'))
    const shard = join(path, 'set.partial', 'shard')
    writeFileSync(shard, 'precious')
    const folder = folderAt(path, { overwrite: true, sources: [source, shard] })
    await expect(folder.create('out', 1)).rejects.toThrow(
      'out.partial is the source itself, or has it inside. Choose another name for out.',
    )
    await expect(folder.resume('out', 1)).rejects.toThrow(/is the source itself/)
    await expect(folder.discard('out')).rejects.toThrow(/is the source itself/)
    await expect(folder.subfolder('set', 1)).rejects.toThrow(/is the folder of the source/)
    await expect(folder.discard('set')).rejects.toThrow(/is the folder of the source/)
    expect([source, shard].map((file) => readFileSync(file, 'utf8'))).toEqual(['precious', 'precious'])
  })

  it.runIf(can.link)('is not a link that leads nowhere', async () => {
    const path = temporaryFolder()
    symlinkSync(join(path, 'nowhere'), join(path, 'dangling'))
    await expect(folderAt(path).create('dangling', 1)).rejects.toMatchObject({ code: 'would-overwrite' })
  })

  it('is not a folder or a device', async () => {
    const path = temporaryFolder()
    mkdirSync(join(path, 'folder'))
    const folder = folderAt(path, { overwrite: true })
    await expect(folder.create('folder', 1)).rejects.toThrow(/not a regular file/)
    if (can.posix)
      await expect(folderAt('/dev', { overwrite: true }).create('null', 1)).rejects.toMatchObject({
        code: 'cannot-write',
      })
    await expect(folder.create('../escape', 1)).rejects.toMatchObject({ code: 'bad-file' })
  })

  it('is refused with the reason where a folder is missing or cannot be written', async () => {
    const path = temporaryFolder()
    await expect(folderAt(join(path, 'missing')).create('out', 1)).rejects.toThrow(/its folder does not exist/)
    await expect(folderAt(join(path, 'missing')).list()).rejects.toThrow('The folder missing does not exist.')
    if (!can.posix) return
    chmodSync(path, 0o555)
    await asNobody(() =>
      expect(folderAt(path).create('out', 1)).rejects.toThrow(
        'out could not be written: permission was denied. Choose another folder.',
      ),
    )
  })
})

describe.runIf(can.posix)('permissions', () => {
  const modeAt = (...names: string[]) => statSync(join(...names)).mode & 0o777

  it.each([
    [[0o600], 0o600, 0o700],
    [[0o640], 0o640, 0o750],
    [[0o444], 0o644, 0o755],
    [[0o755], 0o644, 0o755],
    [[0o644, 0o660, 0o600], 0o600, 0o700],
  ])('of an output are those of its sources: %j', async (modes, file, folder) => {
    const path = temporaryFolder()
    const sources = modes.map((mode, i) => {
      writeFileSync(join(path, `source-${i}`), 'weights')
      chmodSync(join(path, `source-${i}`), mode)
      return join(path, `source-${i}`)
    })
    // What was looked for beside them and is not there is of no mode.
    const into = folderAt(path, { sources: [...sources, join(path, 'config.json')] })
    const sink = await into.create('out', 1)
    expect(modeAt(path, 'out.partial')).toBe(0o600)
    await sink.close()
    expect(modeAt(path, 'out')).toBe(file)
    const inner = await into.subfolder('shards', 1)
    expect(modeAt(path, 'shards.partial')).toBe(0o700)
    await fill(inner, 'weights')
    await inner.finish()
    expect([modeAt(path, 'shards'), modeAt(path, 'shards', 'weights')]).toEqual([folder, file])
  })
})

describe('what an unfinished run left', () => {
  it.each(['file', 'folder'])('is seen and discarded with its journal: a %s', async (kind) => {
    const path = temporaryFolder()
    const target = join(path, 'out')
    expect(await countUnfinished(target)).toBe(0)
    await discardUnfinished(target)
    writeFileSync(join(path, 'out.journal.partial'), `${journalText(0)}\n\n`)
    expect(await countUnfinished(target)).toBe(0)
    if (kind === 'file') writeFileSync(join(path, 'out.partial'), 'some of it')
    else {
      mkdirSync(join(path, 'out.partial'))
      writeFileSync(join(path, 'out.partial', 'weights'), 'some of it')
    }
    writeFileSync(target, 'finished by somebody else')
    writeFileSync(join(path, 'other.partial'), 'of another run')
    expect(await countUnfinished(target)).toBe(0)
    // Two whole lines, one that was cut short, and the space for others.
    for (const rest of ['', '{"outc', '\n\n']) {
      writeFileSync(join(path, 'out.journal.partial'), journalText(2) + rest)
      expect(await countUnfinished(target)).toBe(2)
    }
    await discardUnfinished(target)
    expect(await countUnfinished(target)).toBe(0)
    expect(readdirSync(path)).toEqual(['other.partial', 'out'])
  })

  it('is not there where nothing can be: below a file, under a name too long', async () => {
    const path = temporaryFolder()
    writeFileSync(join(path, 'file'), '')
    for (const target of [join(path, 'file', 'out'), join(path, 'x'.repeat(250))]) {
      expect(await countUnfinished(target)).toBe(0)
      await discardUnfinished(target)
    }
    await expect(folderAt(path).create('x'.repeat(250), 0)).rejects.toThrow(/the name is too long/)
    await folderAt(path).discard('x'.repeat(250))
  })

  it.runIf(can.posix)('cannot be removed from a folder that is read-only, and says so', async () => {
    const path = temporaryFolder()
    leaveUnfinished(join(path, 'out'))
    chmodSync(path, 0o555)
    await asNobody(() =>
      expect(discardUnfinished(join(path, 'out'))).rejects.toThrow(
        'out.partial could not be written: permission was denied. Remove it by hand.',
      ),
    )
  })
})

describe('disk', () => {
  it('is refused before the first byte when it is too full, with the numbers', async () => {
    await expect(folderAt(temporaryFolder()).create('out', 1e18)).rejects.toMatchObject({
      code: 'cannot-write',
      message: expect.stringMatching(/^out needs 1,000 PB, and [\d.]+ [kMGT]B is free in /),
      details: { needed: 1e18 },
    })
  })

  it('that fills up while it is written ends with a sentence and no file', async (context) => {
    const path = mounted('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs')
    if (!path) return context.skip('this system does not let a test mount a file system of 1 MB')
    await expect(folderAt(path).create('out', 2e6)).rejects.toThrow(/out needs 2.00 MB, and 1.05 MB is free/)
    const sink = await folderAt(path).create('out', 1e6)
    await sink.write(bytes(9e5))
    await expect(sink.write(bytes(3e5))).rejects.toMatchObject({
      code: 'cannot-write',
      message: 'out could not be written beyond 900 kB: the disk is full. Choose another folder.',
      details: { written: 9e5 },
    })
    await sink.abort()
    expect(readdirSync(path)).toEqual([])
  })

  it('that is read-only is refused with a sentence', async (context) => {
    const path = mounted('-t', 'tmpfs', '-o', 'ro', 'tmpfs')
    if (!path) return context.skip('this system does not let a test mount a read-only file system')
    await expect(folderAt(path).create('out', 0)).rejects.toThrow(
      'out could not be written: the file system is read-only.',
    )
  })
})

/** Root may write anywhere: as root, the action runs with the rights of nobody. */
async function asNobody(action: () => Promise<void>): Promise<void> {
  const root = process.getuid?.() === 0
  if (root) process.seteuid?.(65534)
  try {
    await action()
  } finally {
    if (root) process.seteuid?.(0)
  }
}
