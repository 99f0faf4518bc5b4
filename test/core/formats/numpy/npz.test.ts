import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { crc32 } from '../../../../core/formats/archives/crc32.ts'
import { planZip } from '../../../../core/formats/archives/zip-writer.ts'
import { npyHeader } from '../../../../core/formats/numpy/npy.ts'
import { npzComment, planNpz } from '../../../../core/formats/numpy/npz.ts'
import { python, pythonHas } from '../../../python.ts'
import { sentencesOf } from '../../messages/words.ts'
import { zip } from '../archives/archives.ts'
import { concat, openBytes, refusal, text } from '../corpus.ts'

const arrays = [
  { name: 'a', dtype: 'F32', shape: [2, 3] },
  { name: 'dir/b', dtype: 'F16', shape: [4] },
  { name: '__proto__', dtype: 'U8', shape: [] },
] as const
const values = [
  Float32Array.of(1, -2, 3.5, 4, 5, 6),
  Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x4400),
  Uint8Array.of(9),
].map((array) => new Uint8Array(array.buffer))

const metadata = new Map([
  ['tool', 'test'],
  ['__proto__', 'a name like any other'],
])

function npzFile(comment = npzComment(metadata, [])): Uint8Array {
  const plan = planNpz(arrays, comment)
  const parts: Uint8Array[] = []
  const crcs: number[] = []
  for (const i of arrays.keys()) {
    const { bytes, crc } = plan.before(i)
    crcs.push(crc32(values[i]!, crc))
    parts.push(bytes, values[i]!, plan.after(i, crcs[i]!))
  }
  const file = concat(...parts, plan.directory(crcs))
  expect(file.byteLength).toBe(plan.byteLength)
  return file
}

describe('writing', () => {
  it('reads back what it wrote', async () => {
    const file = await openBytes('x.npz', npzFile())
    expect(file.tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape }))).toEqual(arrays)
    for (const [i, tensor] of file.tensors.entries()) expect(await file.read(tensor)).toEqual(values[i])
    expect(file.metadata).toEqual(metadata)
  })

  it('leaves out of its metadata what the comment has no space for, and takes no other comment for metadata', async () => {
    const long = new Map([...metadata, ['long', 'x'.repeat(70_000)], ['longer', 'x'.repeat(80_000)]])
    const shortened = await openBytes('x.npz', npzFile(npzComment(long, ['long', 'longer'])))
    expect(shortened.metadata).toEqual(metadata)
    for (const comment of ['', 'made by hand', '{"cut short', '{"number": 5}', '{"twice":"a","twice":"b"}'])
      expect((await openBytes('x.npz', npzFile(Uint8Array.from(text(comment))))).metadata).toEqual(new Map())
  })

  it.runIf(pythonHas('numpy'))('numpy reads what it wrote', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ghostsvd-npz-'))
    try {
      writeFileSync(join(folder, 'x.npz'), npzFile())
      const script = `
import sys, zipfile
import numpy as np
assert zipfile.ZipFile(sys.argv[1]).testzip() is None
f = np.load(sys.argv[1])
print([[k, str(f[k].dtype), list(f[k].shape), f[k].ravel().tolist()] for k in f.files])`
      const out = execFileSync(python, ['-c', script, join(folder, 'x.npz')], { encoding: 'utf8' })
      expect(out.trim()).toBe(
        "[['a', 'float32', [2, 3], [1.0, -2.0, 3.5, 4.0, 5.0, 6.0]], ['dir/b', 'float16', [4], [1.0, 2.0, 3.0, 4.0]], ['__proto__', 'uint8', [], [9]]]",
      )
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('refuses a name twice and a dtype numpy has not', () => {
    expect(() => planNpz([arrays[0], arrays[0]])).toThrow(/twice/)
    expect(() => planNpz([{ name: 'x', dtype: 'BF16', shape: [1] }])).toThrow(/no dtype for BF16/)
  })

  it('lays out more than 4 GB as zip64', async () => {
    // Members of 3 and 5 GB, of which only the bytes around them exist.
    const sizes = [3_000_000_000, 5_000_000_000, 10]
    const plan = planZip(sizes.map((byteLength, i) => ({ name: `m${i}`, byteLength })))
    const islands: { start: number; bytes: Uint8Array }[] = []
    let at = 0
    const put = (bytes: Uint8Array) => {
      islands.push({ start: at, bytes })
      at += bytes.byteLength
    }
    for (const [i, size] of sizes.entries()) {
      put(plan.before(i))
      at += size
      put(plan.after(i, i))
    }
    put(plan.directory([0, 1, 2]))
    expect(at).toBe(plan.byteLength)
    const { openZip } = await import('../../../../core/formats/archives/zip.ts')
    const archive = await openZip({
      name: 'big.zip',
      byteLength: at,
      slice: async (start, end) => {
        const out = new Uint8Array(end - start)
        for (const island of islands) {
          const from = Math.max(start, island.start)
          const to = Math.min(end, island.start + island.bytes.byteLength)
          if (from < to) out.set(island.bytes.subarray(from - island.start, to - island.start), from - start)
        }
        return out
      },
      close: async () => {},
    })
    expect([...archive.members.values()].map((m) => [m.name, m.byteLength, m.crc])).toEqual(
      sizes.map((size, i) => [`m${i}`, size, i]),
    )
    const last = await archive.open(archive.members.get('m2')!)
    expect(last.byteLength).toBe(10)
    expect((await last.slice(0, 10)).byteLength).toBe(10)
  })
})

it.each([40, 9000])('finds an array behind %i bytes that align it', async (length) => {
  const data = concat(npyHeader('F32', [2]), new Uint8Array(8).fill(1))
  const plain = zip([{ name: 'w.npy', data }])
  const extra = new Uint8Array(length)
  new DataView(extra.buffer).setUint32(0, ((length - 4) << 16) | 1, true)
  const aligned = concat(plain.subarray(0, 35), extra, plain.subarray(35))
  const view = new DataView(aligned.buffer)
  view.setUint16(28, length, true)
  const offset = aligned.byteLength - 6
  view.setUint32(offset, view.getUint32(offset, true) + length, true)
  const file = await openBytes('x.npz', aligned)
  expect(await file.read(file.tensors[0]!)).toEqual(new Uint8Array(8).fill(1))
})

describe('hostile', () => {
  const good = concat(npyHeader('F32', [2]), new Uint8Array(8))
  const sentence = async (bytes: Uint8Array) => (await refusal(() => openBytes('x.npz', bytes))).message

  it('truncated at every 1/20 of its length', async () => {
    const file = npzFile()
    for (let i = 1; i < 20; i++)
      expect(await sentence(file.subarray(0, Math.floor((file.byteLength * i) / 20)))).toMatch(
        /expected .* got |is cut short|is empty/,
      )
  })
  it('very many members, deflated: each has a header', async () => {
    const member = { data: new Uint8Array(deflateRawSync(good)), claim: { method: 8, byteLength: good.byteLength } }
    const members = Array.from({ length: 2501 }, (_, i) => ({ name: `${i}.npy`, ...member }))
    expect(await sentence(zip(members))).toContain('expected at most 2500 deflated members, got 2501')
  })
  it('a member that ends before its values do', async () => {
    expect(await sentence(zip([{ name: 'a.npy', data: good.subarray(0, good.byteLength - 1) }]))).toMatch(
      /a\.npy is cut short or damaged: its values need 8 bytes, and 7 are there/,
    )
    expect(await sentence(zip([{ name: 'a.npy', data: good.subarray(0, 100), deflate: true }]))).toMatch(
      /expected .* got |is cut short/,
    )
  })
  it('nothing but objects, text, or nothing', async () => {
    const objects = text('\x93NUMPY').slice(1)
    expect(objects.byteLength).toBe(6)
    const header = npyHeader('F32', [2])
    const asObject = header.slice()
    asObject.set(text("'|O' "), asObject.indexOf(58) + 2)
    expect(await sentence(zip([{ name: 'a.npy', data: concat(asObject, new Uint8Array(8)) }]))).toMatch(
      /expected arrays, got none. Left out.*"a" \(no numbers\)/,
    )
    expect(await sentence(zip([{ name: 'readme', data: text('x') }]))).toMatch(/got none. Left out/)
    expect(await sentence(zip([]))).toMatch(/expected arrays, got none/)
  })
  it('beside good arrays, others are named and left out', async () => {
    const file = await openBytes(
      'x.npz',
      zip([
        { name: 'a.npy', data: good, deflate: true },
        { name: 'notes.txt', data: text('x') },
      ]),
    )
    expect(file.tensors).toHaveLength(1)
    expect(sentencesOf(file.notices)).toEqual([
      'Left out, because their values are not read: "notes.txt" (not an array).',
    ])
  })
})

it('leaves out what is no array of numbers: records, files of macOS, text', async () => {
  const array = concat(npyHeader('F32', [2]), new Uint8Array(8))
  const header =
    "{'descr': [('a', '<f4', (2,)), ('b', [('c', '<i4'), ('d', '<f8')])], 'fortran_order': False, 'shape': (4,), }\n"
  const record = concat(Uint8Array.of(0x93), text('NUMPY'), Uint8Array.of(1, 0, header.length, 0), text(header))
  const file = await openBytes(
    'x.npz',
    zip([
      { name: 'w.npy', data: array },
      { name: '__MACOSX/._w.npy', data: text('\0\x05\x16\x07') },
      { name: 'r.npy', data: record },
    ]),
  )
  expect(file.tensors.map(({ name }) => name)).toEqual(['w'])
  expect(sentencesOf(file.notices)).toEqual([
    'Left out, because their values are not read: "__MACOSX/._w.npy" (not an array), "r" (no numbers).',
  ])
})
