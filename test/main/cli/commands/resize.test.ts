/** A folder of adapters as a batch: no output takes the place of an adapter of it, or of another output. */
import { linkSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { AppError } from '../../../../core/errors.ts'
import { inEnglish } from '../../../../core/messages/english.ts'
import { defaultParams } from '../../../../core/params.ts'
import type { AdapterForm } from '../../../../core/styles.ts'
import { resizeAll } from '../../../../main/cli/commands/resize.ts'
import { temporaryFolder } from '../run.ts'

let folder: string
const at = (...names: string[]) => join(folder, ...names)
beforeEach(async () => {
  folder = await temporaryFolder()
})

/** What is said before anything is opened. */
async function refusal(from: string, to: string, form: AdapterForm | null): Promise<string> {
  const engine = {
    open: () => Promise.reject(new Error('opened')),
    target: () => 'target',
    end: async () => {},
    run: () => Promise.reject(new Error('run')),
  }
  const rules = { rule: null, keepRanks: false, oneRank: false, include: [], exclude: [], pins: [], force: true }
  try {
    await resizeAll(engine, from, to, undefined, { form, params: defaultParams, ...rules })
  } catch (error) {
    if (error instanceof AppError) return inEnglish(error.said)
    return (error as Error).message
  }
  return 'nothing'
}

it('refuses an output that another adapter of the batch is, whether or not it was read already', async () => {
  for (const name of ['a.pt', 'a.safetensors']) writeFileSync(at(name), name)
  expect(await refusal(folder, folder, 'kohya')).toMatch(/^a\.safetensors is the source itself/)
  expect(await refusal(folder, at('new'), 'kohya')).toMatch(/^a\.pt and a\.safetensors would both be written to/)
  mkdirSync(at('b'))
  writeFileSync(at('b', 'z.pt'), 'z')
  mkdirSync(at('b', 'z'))
  writeFileSync(at('b', 'z', 'adapter_config.json'), '{}')
  expect(await refusal(at('b'), at('b'), 'peft')).toMatch(/^z is the source itself/)
  expect(await refusal(at('b'), at('new'), 'peft')).toMatch(/^z and z\.pt would both/)
  mkdirSync(at('c'))
  mkdirSync(at('out'))
  writeFileSync(at('c', 'x.pt'), 'x')
  writeFileSync(at('c', 'y.safetensors'), 'y')
  linkSync(at('c', 'y.safetensors'), at('out', 'x.safetensors'))
  expect(await refusal(at('c'), at('out'), 'comfy')).toMatch(/y\.safetensors is the source itself/)
  expect(readdirSync(at('out'))).toEqual(['x.safetensors'])
  expect(await refusal(at('c'), at('new'), 'comfy')).toBe('opened')
})

it('says what is no folder to read or to write', async () => {
  writeFileSync(at('a.pt'), 'a')
  expect(await refusal(folder, at('a.pt'), null)).toMatch(/^a\.pt could not be written: .*folder/)
  expect(await refusal('/dev/null', at('out'), null)).toMatch(/^null could not be read/)
})
