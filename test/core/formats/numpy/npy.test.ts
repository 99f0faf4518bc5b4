import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { npyHeader } from '../../../../core/formats/numpy/npy.ts'
import type { DType } from '../../../../core/tensor.ts'
import { python, pythonHas } from '../../../python.ts'
import { concat, openBytes, refusal, text } from '../corpus.ts'

function npyFile(dict: string, data: Uint8Array, version = 1, length?: number): Uint8Array {
  const header = text(`${dict}\n`)
  const size = version === 1 ? 2 : 4
  const prefix = new Uint8Array(8 + size)
  prefix.set([0x93, ...text('NUMPY'), version, 0])
  const view = new DataView(prefix.buffer)
  if (version === 1) view.setUint16(8, length ?? header.byteLength, true)
  else view.setUint32(8, length ?? header.byteLength, true)
  return concat(prefix, header, data)
}
const dict = (descr: string, fortran: string, shape: string) =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`
const bytes = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
const sentence = async (file: Uint8Array) => (await refusal(() => openBytes('a.npy', file))).message

describe('reading', () => {
  it.each([1, 2, 3])('version %i', async (version) => {
    const file = await openBytes(
      'a.npy',
      npyFile(dict('<f4', 'False', '(2, 3)'), bytes(Float32Array.of(1, 2, 3, 4, 5, 6)), version),
    )
    expect(file.tensors).toEqual([{ name: 'array', dtype: 'F32', shape: [2, 3], byteLength: 24 }])
    expect([...new Float32Array((await file.read(file.tensors[0]!)).slice().buffer)]).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('turns Fortran order, any range of it', async () => {
    const [m, n, p] = [5, 7, 3]
    const values = Uint16Array.from({ length: m * n * p }, (_, i) => i)
    const stored = new Uint16Array(values.length)
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) for (let k = 0; k < p; k++) stored[i + m * (j + n * k)] = values[(i * n + j) * p + k]!
    const file = await openBytes('a.npy', npyFile(dict('<u2', 'True', `(${m}, ${n}, ${p})`), bytes(stored)))
    const whole = bytes(values)
    for (let start = 0; start <= whole.byteLength; start += 7)
      for (let end = start; end <= whole.byteLength; end += 11)
        expect(await file.read(file.tensors[0]!, start, end)).toEqual(whole.slice(start, end))
  })

  it('turns big-endian values, also from the middle of one', async () => {
    const stored = new DataView(new ArrayBuffer(16))
    stored.setFloat64(0, Math.PI)
    stored.setFloat64(8, -1)
    const file = await openBytes('a.npy', npyFile(dict('>f8', 'False', '(2,)'), new Uint8Array(stored.buffer)))
    const whole = bytes(Float64Array.of(Math.PI, -1))
    expect(await file.read(file.tensors[0]!)).toEqual(whole)
    expect(await file.read(file.tensors[0]!, 3, 13)).toEqual(whole.slice(3, 13))
  })

  it('turns the two halves of a big-endian complex value each for itself', async () => {
    const file = await openBytes('a.npy', npyFile(dict('>c8', 'False', '()'), Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)))
    expect([...(await file.read(file.tensors[0]!))]).toEqual([4, 3, 2, 1, 8, 7, 6, 5])
  })

  it('takes the shapes of scalars, vectors, Python 2 and empty arrays', async () => {
    for (const [shape, sizes] of [
      ['()', []],
      ['(1,)', [1]],
      ['(1L, 1L)', [1, 1]],
      ['(1,1,)', [1, 1]],
    ] as const) {
      const file = await openBytes('a.npy', npyFile(dict('|u1', 'False', shape), new Uint8Array(1)))
      expect(file.tensors[0]!.shape).toEqual(sizes)
    }
    const empty = await openBytes('a.npy', npyFile(dict('<f8', 'True', '(0, 4)'), new Uint8Array(0)))
    expect((await empty.read(empty.tensors[0]!)).byteLength).toBe(0)
  })

  it('reads back what the header writer wrote', async () => {
    const cases: [DType, number[]][] = [
      ['F32', [3, 4]],
      ['F64', []],
      ['F16', [5]],
      ['BOOL', [2]],
      ['C64', [1, 1, 1]],
    ]
    for (const [dtype, shape] of cases) {
      const header = npyHeader(dtype, shape)
      expect(header.byteLength % 64).toBe(0)
      const size = shape.reduce((a, b) => a * b, 1) * { F32: 4, F64: 8, F16: 2, BOOL: 1, C64: 8 }[dtype as 'F32']
      const file = await openBytes('a.npy', concat(header, new Uint8Array(size)))
      expect(file.tensors[0]).toMatchObject({ dtype, shape })
    }
    expect(() => npyHeader('BF16', [1])).toThrow(/no dtype for BF16/)
  })
})

it.runIf(pythonHas('numpy'))('numpy reads what the header writer wrote', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ghostsvd-npy-'))
  try {
    const file = join(folder, 'x.npy')
    writeFileSync(file, concat(npyHeader('F32', [2, 2]), bytes(Float32Array.of(1, 2, 3, 4))))
    const script = 'import sys, numpy; a = numpy.load(sys.argv[1]); print(a.dtype, a.tolist())'
    expect(execFileSync(python, ['-c', script, file], { encoding: 'utf8' })).toBe('float32 [[1.0, 2.0], [3.0, 4.0]]\n')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

describe('hostile', () => {
  const good = npyFile(dict('<f4', 'False', '(2, 3)'), new Uint8Array(24))

  it('truncated at every 1/20 of its length', async () => {
    for (let i = 0; i < 20; i++)
      expect(await sentence(good.subarray(0, Math.floor((good.byteLength * i) / 20)))).toMatch(
        /expected .* got |is cut short|is empty/,
      )
  })
  it('bytes after the values', async () => {
    expect(await sentence(concat(good, new Uint8Array(1)))).toMatch(/its values need 24 bytes, and 25 are there/)
  })
  it('a header of 4 GB', async () => {
    expect(await sentence(npyFile(dict('<f4', 'False', '()'), new Uint8Array(4), 2, 0xffff_ffff))).toMatch(
      /a header of 4,294,967,295 bytes/,
    )
    const large = npyFile(dict('<f4', 'False', '()').padEnd(70_000), new Uint8Array(4), 2)
    expect(await sentence(large)).toMatch(/65536 bytes of header/)
  })
  it('versions nobody knows', async () => {
    expect(await sentence(npyFile(dict('<f4', 'False', '()'), new Uint8Array(4), 4))).toMatch(/NPY version 4\.0/)
  })
  it('pickled objects, records, strings, and dtypes without an equal here', async () => {
    for (const descr of ['|O', 'O', '|O8'])
      expect(await sentence(npyFile(dict(descr, 'False', '()'), new Uint8Array(8)))).toMatch(/Python objects/)
    expect(
      await sentence(npyFile("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }", new Uint8Array(4))),
    ).toMatch(/records/)
    for (const descr of ['<U4', '|S8', '<c16', '<M8', '<f16', '|V2', '__proto__'])
      expect(await sentence(npyFile(dict(descr, 'False', '()'), new Uint8Array(8)))).toMatch(
        /has values of type|Python objects/,
      )
  })
  it('dims whose product overflows', async () => {
    for (const shape of [
      '(4294967296, 4294967296)',
      '(9007199254740993,)',
      `(${'9'.repeat(30)},)`,
      `(${'4294967296, '.repeat(30)})`,
    ])
      expect(await sentence(npyFile(dict('<f4', 'True', shape), new Uint8Array(4)))).toMatch(/below 2\^53/)
  })
  it('more dimensions than numpy has', async () => {
    expect(await sentence(npyFile(dict('<f4', 'True', `(${'1, '.repeat(33)})`), new Uint8Array(4)))).toMatch(
      /at most 32 dimensions, got 33/,
    )
  })
  it('a header that is code, twice a key, or nothing', async () => {
    for (const bad of [
      '',
      '{}',
      'x',
      "{'descr': __import__('os').system('id'), 'fortran_order': False, 'shape': (1,)}",
      "{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}",
      "{'descr': '<f4', 'fortran_order': 1, 'shape': (1,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1)+(2)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': True}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} + 1",
    ])
      expect((await refusal(() => openBytes('a.npy', npyFile(bad, new Uint8Array(4))))).code).toBe('bad-file')
  })
  it('a shape of 60,000 digits or commas does not hang the pattern', async () => {
    for (const shape of [
      `(${'1'.repeat(60_000)})`,
      `(${','.repeat(60_000)})`,
      `(${'1 '.repeat(30_000)})`,
      `(${' '.repeat(60_000)}`,
    ])
      await sentence(npyFile(dict('<f4', 'False', shape), new Uint8Array(4)))
  }, 1000)
})

it('says of records that they are records, however deep', async () => {
  const nested = (depth: number): string => (depth === 0 ? "'<f4'" : `[('a', ${nested(depth - 1)})]`)
  for (const descr of [nested(1), nested(3), nested(40), "('<f4', (2,))"]) {
    const file = npyFile(`{'descr': ${descr}, 'fortran_order': False, 'shape': (4,), }`, new Uint8Array(16))
    expect(await sentence(file)).toBe('a.npy: it holds records with named fields, not an array of numbers')
  }
})
