import { describe, expect, it } from 'vitest'
import {
  cOrderStrides,
  extent,
  fortranStrides,
  readStrided,
  type StridedView,
} from '../../../../core/formats/pytorch/strided.ts'

/** Storage of 2-byte numbers 0, 1, 2, ...; counts what is read. */
function storageOf(length: number) {
  const values = Uint16Array.from({ length }, (_, i) => i)
  const bytes = new Uint8Array(values.buffer)
  const storage = {
    reads: 0,
    largest: 0,
    read: async (start: number, end: number) => {
      storage.reads++
      storage.largest = Math.max(storage.largest, end - start)
      if (start < 0 || end > bytes.byteLength) throw new RangeError(`${start}..${end}`)
      return bytes.slice(start, end)
    },
  }
  return storage
}

/** Element by element, as the strides say. */
function judge({ shape, strides, offset }: StridedView, start: number, end: number): number[] {
  const packed = cOrderStrides(shape)
  return Array.from({ length: end - start }, (_, i) =>
    shape.reduce((sum, size, axis) => sum + (Math.floor((start + i) / packed[axis]!) % size) * strides[axis]!, offset),
  )
}

const views: [string, StridedView][] = [
  ['C order', { itemBytes: 2, shape: [7, 5, 3], strides: [15, 3, 1], offset: 4 }],
  ['Fortran order', { itemBytes: 2, shape: [7, 5, 3], strides: fortranStrides([7, 5, 3]), offset: 0 }],
  ['transposed', { itemBytes: 2, shape: [40, 30], strides: [1, 40], offset: 0 }],
  ['every other row and column', { itemBytes: 2, shape: [10, 15], strides: [60, 2], offset: 7 }],
  ['repeated rows', { itemBytes: 2, shape: [6, 8], strides: [0, 1], offset: 3 }],
  ['overlapping windows', { itemBytes: 2, shape: [20, 8], strides: [2, 1], offset: 0 }],
  ['one number everywhere', { itemBytes: 2, shape: [4, 4], strides: [0, 0], offset: 9 }],
  ['axes of length 1', { itemBytes: 2, shape: [1, 9, 1], strides: [999, 3, 999], offset: 0 }],
  ['a number', { itemBytes: 2, shape: [], strides: [], offset: 5 }],
]

describe.each(views)('%s', (_, view) => {
  const count = view.shape.reduce((product, size) => product * size, 1)
  it.each([2, 6, 20, 64, 1 << 20])('with windows of %i bytes, any range', async (windowBytes) => {
    for (let start = 0; start <= count; start += Math.ceil(count / 9))
      for (let end = start; end <= count; end += Math.ceil(count / 7)) {
        const storage = storageOf(view.offset + extent(view))
        const bytes = await readStrided(view, start, end, storage.read, windowBytes)
        expect([...new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2)]).toEqual(
          judge(view, start, end),
        )
      }
  })
})

it('reads a transposed matrix in few windows, none larger than asked', async () => {
  const view = { itemBytes: 2, shape: [100, 300], strides: [1, 100], offset: 0 }
  const storage = storageOf(30_000)
  await readStrided(view, 0, 30_000, storage.read, 6000)
  expect(storage.largest).toBeLessThanOrEqual(6000)
  expect(storage.reads).toBeLessThanOrEqual(2 * Math.ceil(60_000 / 6000))
})
