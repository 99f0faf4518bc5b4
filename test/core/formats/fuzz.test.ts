/**
 * Damaged files, thousands of them: whatever is changed, a file opens or is refused in one sentence, and what a truncated file still gives
 * is what the whole one gave. `FUZZ_RUNS=100000 npx vitest run test/core/formats/fuzz.test.ts` for the long run; FUZZ_SEED draws others.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../../core/errors.ts'
import { openZip } from '../../../core/formats/archives/zip.ts'
import type { WeightFile } from '../../../core/formats/format.ts'
import { memorySource } from '../../../core/io.ts'
import { checkpoint, llamafile, zip } from './archives/archives.ts'
import { concat, entry, openFolder, safetensorsFile, text } from './corpus.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 150)
const seed = Number(process.env.FUZZ_SEED ?? 42)
const timeout = 30_000 + 60 * numRuns

interface Seed {
  /** Opened by this name; the file that is damaged. */
  readonly name: string
  readonly files: Record<string, Uint8Array>
}

const fixtures = join(import.meta.dirname, '../../fixtures/formats')
const load = (path: string) => new Uint8Array(readFileSync(join(fixtures, path)))
const alone = (name: string, bytes: Uint8Array = load(name)): Seed => ({ name, files: { [name]: bytes } })
const inFolder = (folder: string, name: string): Seed => ({
  name,
  files: Object.fromEntries(readdirSync(join(fixtures, folder)).map((file) => [file, load(`${folder}/${file}`)])),
})

const tensors = safetensorsFile(
  `{"__metadata__":{"format":"pt"},"a":${entry('F32', [2, 3], 0, 24)},"b.c":${entry('BF16', [4], 24, 32)},"é":${entry('U8', [], 32, 33)}}`,
  33,
)
const shard = (name: string) => safetensorsFile(`{"${name}":${entry('F32', [1], 0, 4)}}`, 4)
const index = text(
  '{"metadata":{},"weight_map":{"a":"m-00001-of-00002.safetensors","b":"m-00002-of-00002.safetensors"}}',
)
const shards = { 'm-00001-of-00002.safetensors': shard('a'), 'm-00002-of-00002.safetensors': shard('b') }

const seeds: Record<string, Seed[]> = {
  safetensors: [alone('x.safetensors', tensors)],
  index: [{ name: 'm.safetensors.index.json', files: { ...shards, 'm.safetensors.index.json': index } }],
  npy: ['version1.npy', 'version2.npy', 'version3.npy'].map((name) => alone(name)),
  npz: ['stored.npz', 'deflated.npz'].map((name) => alone(name)),
  'pytorch zip': ['state-zip.pt', 'checkpoint.ckpt', 'module.pt', 'script.pt', 'protocol4.pt'].map((name) =>
    alone(name),
  ),
  'pytorch legacy': [alone('state-legacy.pt')],
  pickle: [0, 1, 2, 3, 4, 5]
    .map((p) => alone(`arrays-protocol${p}.pkl`))
    .concat([0, 2, 4].map((p) => alone(`tensors-protocol${p}.pkl`))),
  gguf: ['version2.gguf', 'version3.gguf'].map((name) => alone(name)),
  onnx: [alone('values.onnx'), alone('constants.onnx'), inFolder('external-onnx', 'model.onnx')],
  aguf: [alone('factors.aguf')],
  wrapped: [alone('wrapped.pt'), alone('injected.pkl')],
  'torch distributed': [inFolder('distcp', '.metadata'), inFolder('distcp', '__0_0.distcp')],
  'torch export': [alone('exported.pt2'), alone('exported-old.pt2')],
  nemo: [alone('model.nemo'), alone('distributed.nemo')],
  flax: [alone('model.msgpack')],
  keras: [alone('model.h5'), alone('latest.h5'), alone('model.keras')],
  tensorflow: [inFolder('tensorflow', 'model.ckpt.index'), inFolder('tensorflow', 'model.ckpt.data-00000-of-00002')],
  paddle: [alone('model.pdparams')],
  llamafile: [alone('model.llamafile', llamafile(load('version3.gguf')))],
}

type Edit = { readonly at: number; readonly length: number; readonly kind: number; readonly value: number }
const edits = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.nat(40),
    kind: fc.nat(7),
    value: fc.nat(255),
  }),
  { minLength: 1, maxLength: 6 },
)
const interesting = [
  0,
  1,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 53,
  2 ** 53 - 1,
  2 ** 60,
  2 ** 63,
  100_000,
  65_535,
  65_536,
]

function damage(bytes: Uint8Array, { at, length, kind, value }: Edit): Uint8Array {
  const place = Math.floor(at * bytes.byteLength)
  const before = bytes.subarray(0, place)
  const after = bytes.subarray(place)
  const changed = bytes.slice()
  switch (kind) {
    case 0: // one bit
      if (place < changed.length) changed[place]! ^= 1 << (value & 7)
      return changed
    case 1: // one byte
      if (place < changed.length) changed[place] = value
      return changed
    case 2: {
      // a number that others trip over
      const number = new Uint8Array(8)
      new DataView(number.buffer).setBigUint64(0, BigInt(interesting[value % interesting.length]!), true)
      changed.set(number.subarray(0, Math.min(value & 1 ? 4 : 8, changed.length - place)), place)
      return changed
    }
    case 3: // a piece gone
      return concat(before, after.subarray(length))
    case 4: // a piece twice
      return concat(before, after.subarray(0, length), after)
    case 5: // a piece of the same byte
      return concat(before, new Uint8Array(length).fill(value), after)
    case 6: // the end gone
      return before.slice()
    default: // a piece from elsewhere
      return concat(before, bytes.subarray(Math.floor((value / 256) * bytes.byteLength)).subarray(0, length), after)
  }
}

const internals = /\bNaN\b|\bundefined\b|\bnull\b|\bInfinity\b|\[object|=>|\d\.\d+e\+\d/

/** Reads all there is, and holds each tensor to its word. null when the file was refused in a sentence. */
async function contents(open: () => Promise<WeightFile>, fileBytes: number): Promise<Map<string, Uint8Array> | null> {
  try {
    const file = await open()
    const values = new Map<string, Uint8Array>()
    let total = 0
    for (const tensor of file.tensors) {
      expect(values.has(tensor.name)).toBe(false)
      // A value takes at least two bits in a file, deflated or repeated by strides up to 200 times less.
      total += tensor.byteLength
      expect(tensor.byteLength).toBeLessThan(64_000_001 + 1000 * fileBytes)
      if (total > 4_000_000) continue
      const bytes = await file.read(tensor)
      expect(bytes.byteLength).toBe(tensor.byteLength)
      values.set(tensor.name, bytes)
    }
    await file.close()
    return values
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    expect(error.message).not.toContain('\n')
    expect(error.message.length).toBeLessThan(800)
    // What the file says is quoted; the rest is ours, and speaks of no values that only a program has.
    expect(error.message.replace(/"[^"]*"/g, '')).not.toMatch(internals)
    return null
  }
}

describe.each(Object.entries(seeds))('%s', (_, each) => {
  it('damaged anywhere: opens or says why not', { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(each.length - 1), edits, async (which, changes) => {
        const { name, files } = each[which]!
        const bytes = changes.reduce(damage, files[name]!)
        await contents(() => openFolder({ ...files, [name]: bytes }, name), bytes.byteLength)
      }),
      { numRuns, seed },
    )
  })

  it('cut anywhere: refused, or the values are those of the whole file', { timeout }, async () => {
    const whole = await Promise.all(
      each.map(({ name, files }) => contents(() => openFolder(files, name), files[name]!.byteLength)),
    )
    expect(whole.every((values) => values !== null && values.size > 0)).toBe(true)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(each.length - 1),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        async (which, at) => {
          const { name, files } = each[which]!
          const bytes = files[name]!.slice(0, Math.floor(at * files[name]!.byteLength))
          const values = await contents(() => openFolder({ ...files, [name]: bytes }, name), bytes.byteLength)
          for (const [tensor, value] of values ?? []) expect(value).toEqual(whole[which]!.get(tensor))
        },
      ),
      { numRuns: Math.ceil(numRuns / 3), seed },
    )
  })
})

it('pytorch zip: a damaged pickle in a whole archive: opens or says why not', { timeout }, async () => {
  const each = seeds['pytorch zip']!
  const storages = Object.fromEntries(Array.from({ length: 26 }, (_, i) => [String(i), new Uint8Array(480)]))
  const pickles = await Promise.all(
    each.map(async ({ name, files }) => {
      const archive = await openZip(memorySource(name, files[name]!))
      const member = [...archive.members.values()].find((each) => each.name.endsWith('/data.pkl'))!
      const source = await archive.open(member)
      return source.slice(0, source.byteLength)
    }),
  )
  await fc.assert(
    fc.asyncProperty(fc.nat(pickles.length - 1), edits, async (which, changes) => {
      const bytes = zip(checkpoint(changes.reduce(damage, pickles[which]!), storages))
      await contents(() => openFolder({ 'x.pt': bytes }, 'x.pt'), bytes.byteLength)
    }),
    { numRuns, seed },
  )
})
