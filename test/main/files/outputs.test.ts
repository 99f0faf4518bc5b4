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
import { join, sep } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { OutputFolder } from '../../../core/io.ts'
import { lockPath } from '../../../main/files/hold.ts'
import {
  countUnfinished,
  discardUnfinished,
  type OutputOptions,
  outputFolder,
  removePartial,
} from '../../../main/files/outputs.ts'
import { can } from '../../system.ts'
import { temporaryFolder } from '../engine/harness.ts'
import { journalText, leaveLock, leaveUnfinished } from '../left-over.ts'
import { mounted } from './mounted.ts'

const bytes = (length: number, value = 7) => new Uint8Array(length).fill(value)
const folderAt = (path: string, options: Partial<OutputOptions> = {}) =>
  outputFolder(path, { overwrite: false, sources: [], ...options })

async function fill(folder: OutputFolder, ...names: string[]): Promise<void> {
  for (const name of names) {
    const sink = await folder.create(name, 3)
    await sink.write(bytes(3))
    await sink.close()
  }
}

describe('sink', () => {
  it('shows nothing under the name until it is closed, then all of it', async () => {
    const path = temporaryFolder()
    const sink = await folderAt(path).create('out', 100)
    await sink.write(bytes(60))
    await sink.write(bytes(40, 8))
    await sink.overwrite(0, bytes(10, 9))
    expect(await sink.read(5, 15)).toEqual(Uint8Array.from([...bytes(5, 9), ...bytes(5)]))
    expect(sink.byteLength).toBe(100)
    expect(readdirSync(path)).toEqual(['out.partial'])
    await sink.close()
    expect(readdirSync(path)).toEqual(['out'])
    expect([...readFileSync(join(path, 'out'))]).toEqual([...bytes(10, 9), ...bytes(50), ...bytes(40, 8)])
    await sink.abort()
    expect(readdirSync(path)).toEqual(['out'])
  })

  it('leaves nothing when aborted, however often', async () => {
    const path = temporaryFolder()
    const sink = await folderAt(path).create('out', 100)
    await sink.write(bytes(60))
    await sink.abort()
    await sink.abort()
    expect(readdirSync(path)).toEqual([])
  })

  it('is suspended, resumed, cut and finished', async () => {
    const path = temporaryFolder()
    const folder = folderAt(path)
    expect(await folder.resume('out', 15)).toBeNull()
    const first = await folder.create('out', 100)
    await first.write(bytes(60))
    await first.suspend()
    const second = (await folder.resume('out', 15))!
    expect(second.byteLength).toBe(60)
    await second.truncate(10)
    await second.write(bytes(5, 1))
    await second.close()
    expect([...readFileSync(join(path, 'out'))]).toEqual([...bytes(10), ...bytes(5, 1)])
  })

  it('replaces the partial file that a dead process left', async () => {
    const path = temporaryFolder()
    writeFileSync(join(path, 'out.partial'), 'left over')
    await leaveLock(join(path, 'out'))
    const folder = folderAt(path)
    const hold = await folder.hold('out')
    const sink = await folder.create('out', 3)
    await sink.write(bytes(3))
    await sink.close()
    await hold.release()
    expect(readdirSync(path)).toEqual(['out'])
    expect(readFileSync(join(path, 'out'))).toHaveLength(3)
  })

  it.each(['create', 'subfolder'] as const)(
    'leaves alone what another run begins at the same moment: %s',
    async (how) => {
      const path = temporaryFolder()
      const told: boolean[] = []
      const onPartial = async (partial: string, exists: boolean) => {
        told.push(exists)
        if (!exists) return
        if (how === 'create') writeFileSync(partial, 'of another run')
        else mkdirSync(partial)
      }
      await expect(folderAt(path, { onPartial })[how]('out', 3)).rejects.toMatchObject({
        code: 'would-overwrite',
        message: 'out is being written by another run. Wait for it, or choose another name.',
      })
      // Nobody removes it in this run's name.
      expect(told).toEqual([true, false])
      expect(readdirSync(path)).toEqual(['out.partial'])
    },
  )

  it.runIf(can.removeOpenFiles)(
    'is superseded by a later run that writes the same name, and does not touch its file',
    async () => {
      const path = temporaryFolder()
      const [folder, other] = [folderAt(path), folderAt(path)]
      await folder.hold('out')
      const earlier = await folder.create('out', 3)
      writeFileSync(
        lockPath(join(path, 'out')),
        readFileSync(lockPath(join(path, 'out')), 'utf8').replace(
          /"started":"?[^,"}]*"?/,
          '"started":"an earlier process"',
        ),
      )
      await other.hold('out')
      const later = await other.create('out', 3)
      await later.write(bytes(3, 2))
      await expect(earlier.close()).rejects.toThrow(/another run/)
      await earlier.abort()
      await later.close()
      expect([...readFileSync(join(path, 'out'))]).toEqual([2, 2, 2])
    },
  )

  it('tells of its partial file before it exists and after it is gone', async () => {
    const path = temporaryFolder()
    const told: unknown[] = []
    const folder = folderAt(path, {
      onPartial: async (partial, exists) => void told.push([partial, exists, readdirSync(path).length]),
    })
    await (await folder.create('a', 0)).close()
    await (await folder.create('b', 0)).abort()
    expect(told).toEqual([
      [join(path, 'a.partial'), true, 0],
      [join(path, 'a.partial'), false, 1],
      [join(path, 'b.partial'), true, 1],
      [join(path, 'b.partial'), false, 1],
    ])
  })
})

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

describe('an output of several files', () => {
  it("shows nothing under the folder's name until all is there", async () => {
    const path = temporaryFolder()
    const inner = await folderAt(path).subfolder('adapter', 6)
    await fill(inner, 'weights', 'config')
    expect(readdirSync(path)).toEqual(['adapter.partial'])
    await inner.finish()
    await inner.abort()
    expect(readdirSync(path)).toEqual(['adapter'])
    expect(readdirSync(join(path, 'adapter'))).toEqual(['config', 'weights'])
  })

  it('leaves nothing when aborted, finished files included', async () => {
    const path = temporaryFolder()
    const inner = await folderAt(path).subfolder('adapter', 6)
    await fill(inner, 'weights')
    await inner.abort()
    await inner.abort()
    expect(readdirSync(path)).toEqual([])
  })

  it('replaces the partial folder that a dead process left, and takes an empty folder', async () => {
    const path = temporaryFolder()
    mkdirSync(join(path, 'adapter.partial'))
    mkdirSync(join(path, 'adapter'))
    writeFileSync(join(path, 'adapter.partial', 'old'), 'left over')
    await leaveLock(join(path, 'adapter'))
    const folder = folderAt(path)
    await folder.hold('adapter')
    const inner = await folder.subfolder('adapter', 6)
    await fill(inner, 'weights')
    await inner.finish()
    expect(readdirSync(join(path, 'adapter'))).toEqual(['weights'])
  })

  it('is suspended and resumed with its finished files, which may be written again', async () => {
    const path = temporaryFolder()
    const folder = folderAt(path)
    expect(await folder.resumeSubfolder('adapter')).toBeNull()
    const first = await folder.subfolder('adapter', 6)
    await fill(first, 'weights')
    await (await first.create('config', 3)).suspend()
    await first.suspend()
    await first.abort()
    expect(readdirSync(join(path, 'adapter.partial'))).toEqual(['config.partial', 'weights'])
    const second = (await folder.resumeSubfolder('adapter'))!
    expect(await second.list()).toContain('weights')
    const config = (await second.resume('config', 3))!
    expect(config.byteLength).toBe(0)
    await config.suspend()
    await fill(second, 'weights', 'config')
    await second.finish()
    expect(readdirSync(path)).toEqual(['adapter'])
    const finished = folder.inside('adapter')
    expect(await finished.list()).toEqual(['config', 'weights'])
    const weights = await finished.open('weights')
    expect(weights.byteLength).toBe(3)
    await weights.close()
    await expect(folder.inside('missing').open('weights')).rejects.toMatchObject({ code: 'not-found' })
  })

  it('is discarded like a file', async () => {
    const path = temporaryFolder()
    const folder = folderAt(path)
    await (await folder.subfolder('adapter', 3)).suspend()
    await (await folder.create('file', 3)).suspend()
    for (const name of ['adapter', 'file', 'nothing']) await folder.discard(name)
    expect(readdirSync(path)).toEqual([])
    await expect(folder.discard('../escape')).rejects.toMatchObject({ code: 'bad-file' })
  })

  it('refuses a folder that has files; where it may overwrite it leaves other files alone', async () => {
    const path = temporaryFolder()
    mkdirSync(join(path, 'adapter'))
    writeFileSync(join(path, 'adapter', 'mine'), 'x')
    writeFileSync(join(path, 'adapter', 'weights'), 'old')
    await expect(folderAt(path).subfolder('adapter', 6)).rejects.toMatchObject({ code: 'would-overwrite' })
    const inner = await folderAt(path, { overwrite: true }).subfolder('adapter', 6)
    await fill(inner, 'weights')
    expect(readFileSync(join(path, 'adapter', 'weights'), 'utf8')).toBe('old')
    await inner.finish()
    expect(readdirSync(path)).toEqual(['adapter'])
    expect(readdirSync(join(path, 'adapter'))).toEqual(['mine', 'weights'])
    expect(readFileSync(join(path, 'adapter', 'weights'))).toHaveLength(3)
  })

  it.runIf(can.link)('is never the folder of the source, reached by a link either', async () => {
    const path = temporaryFolder()
    mkdirSync(join(path, 'model'))
    writeFileSync(join(path, 'model', 'weights'), 'precious')
    symlinkSync(join(path, 'model'), join(path, 'link'))
    const folder = folderAt(path, { overwrite: true, sources: [join(path, 'model', 'weights')] })
    for (const name of ['model', 'link'])
      await expect(folder.subfolder(name, 6)).rejects.toThrow(/folder of the source/)
  })

  it('is announced as a folder, so that whoever survives can remove it whole', async () => {
    const path = temporaryFolder()
    const told: string[] = []
    const folder = folderAt(path, { onPartial: async (partial, exists) => void (exists && told.push(partial)) })
    await fill(await folder.subfolder('adapter', 6), 'weights')
    expect(told[0]).toBe(join(path, 'adapter.partial') + sep)
    for (const partial of told.reverse()) await removePartial(partial)
    expect(readdirSync(path)).toEqual([])
  })

  it.each(['..', '.', 'a/b', ''])('cannot leave the folder by the name %j', async (name) => {
    await expect(folderAt(temporaryFolder()).subfolder(name, 6)).rejects.toMatchObject({ code: 'bad-file' })
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
    const into = folderAt(path, { sources })
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
