import { chmodSync, closeSync, constants, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { outputFolder } from '../../../main/files/outputs.ts'
import { persist, replace } from '../../../main/files/replacing.ts'
import { writeWhole } from '../../../main/files/write-whole.ts'
import { can } from '../../system.ts'
import { temporaryFolder } from '../engine/harness.ts'

const refused = (code: string) => Object.assign(new Error(code), { code })

/** Fails with each of these in turn, and then succeeds. */
function failing(...codes: string[]): () => Promise<string> {
  return async () => {
    const code = codes.shift()
    if (code !== undefined) throw refused(code)
    return 'done'
  }
}

describe('what the system refuses because a file is open elsewhere', () => {
  it('is tried again until it succeeds', async () => {
    expect(await persist('/a/out', failing('EBUSY', 'EPERM', 'EACCES'), 1_000)).toBe('done')
  })

  it('is named when it lasts', async () => {
    const always = () => Promise.reject(refused('EPERM'))
    await expect(persist('/a/out', always, 30)).rejects.toMatchObject({
      code: 'cannot-write',
      message:
        'out could not be written: another program has it open. Close it there and try again, or choose another name.',
    })
  })

  it('is not tried again for another reason, nor where a refusal is final', async () => {
    await expect(persist('/a/out', failing('ENOSPC'), 1_000)).rejects.toMatchObject({ code: 'ENOSPC' })
    await expect(persist('/a/out', failing('EACCES'), 0)).rejects.toMatchObject({ code: 'EACCES' })
  })
})

/** Opens a file as most programs of Windows do: nobody else may replace or remove it meanwhile. */
function openAsOthersDo(path: string): () => void {
  const exclusively = 0x1000_0000
  const file = openSync(path, constants.O_RDONLY | exclusively)
  return () => closeSync(file)
}

const openElsewhere = (name: string) =>
  `${name} could not be written: another program has it open. Close it there and try again, or choose another name.`

describe.runIf(process.platform === 'win32')('a file that another program has open', () => {
  it('is replaced once it is closed', async () => {
    const folder = temporaryFolder()
    const [from, to] = [join(folder, 'new'), join(folder, 'out')]
    writeFileSync(from, 'new')
    writeFileSync(to, 'old')
    const close = openAsOthersDo(to)
    setTimeout(close, 300)
    await replace(from, to)
    expect(readFileSync(to, 'utf8')).toBe('new')
  })

  it('is not replaced while it stays open, and the error says why', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'entry.json')
    writeFileSync(path, 'old')
    const close = openAsOthersDo(path)
    await expect(writeWhole(path, 'new')).rejects.toMatchObject({ message: openElsewhere('entry.json') })
    close()
    expect(readFileSync(path, 'utf8')).toBe('old')
    expect(readdirSync(folder)).toEqual(['entry.json'])
  })

  it('is the old output still, and the partial one is gone', async () => {
    const path = temporaryFolder()
    writeFileSync(join(path, 'out'), 'old')
    const sink = await outputFolder(path, { overwrite: true, sources: [] }).create('out', 3)
    await sink.write(new Uint8Array(3))
    const close = openAsOthersDo(join(path, 'out'))
    await expect(sink.close()).rejects.toThrow('another program has it open')
    await sink.abort()
    close()
    expect(readFileSync(join(path, 'out'), 'utf8')).toBe('old')
    expect(readdirSync(path)).toEqual(['out'])
  })

  it('keeps its whole folder as it was: weights of one run, never beside the configuration of another', async () => {
    const path = temporaryFolder()
    const target = join(path, 'peft')
    mkdirSync(target)
    const names = ['adapter_config.json', 'adapter_model.safetensors']
    for (const name of names) writeFileSync(join(target, name), 'old')
    const folder = outputFolder(path, { overwrite: true, sources: [] })
    const written = await folder.subfolder('peft', 6)
    for (const name of names) {
      const sink = await written.create(name, 3)
      await sink.write(new Uint8Array(3))
      await sink.close()
    }
    const close = openAsOthersDo(join(target, 'adapter_model.safetensors'))
    await expect(written.finish()).rejects.toMatchObject({ message: openElsewhere('adapter_model.safetensors') })
    close()
    for (const name of names) expect(readFileSync(join(target, name), 'utf8')).toBe('old')
    await written.finish()
    for (const name of names) expect(readFileSync(join(target, name))).toHaveLength(3)
    expect(readdirSync(path)).toEqual(['peft'])
  })

  it.runIf(can.protectByAttribute)('is told from one that is marked as read-only', async () => {
    const path = join(temporaryFolder(), 'out')
    writeFileSync(path, 'old')
    chmodSync(path, 0o444)
    await expect(writeWhole(path, 'new')).rejects.toMatchObject({
      message: 'out could not be written: it is marked as read-only. Choose another name.',
    })
    chmodSync(path, 0o666)
  })
})
