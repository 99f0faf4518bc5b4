/** Hostile files whose parts are very many and named: archives with a header in each member, and names that have to be made different. */
import { deflateRawSync } from 'node:zlib'
import { crc32 } from '../../core/formats/archives/crc32.ts'
import { le32, type MemberSpec, zip } from '../core/formats/archives/archives.ts'
import { concat, text } from '../core/formats/corpus.ts'

/** The name that is opened, its bytes, and what lies beside it. */
export type Hostile = () => [name: string, bytes: Uint8Array, beside?: Record<string, Uint8Array>]

/** An array without values. */
const npyOf = (shape: string) =>
  concat(
    Uint8Array.of(0x93),
    text('NUMPY\x01\x00'),
    Uint8Array.of(118, 0),
    text(`{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117)),
    text('\n'),
  )
const npyOfNothing = npyOf('(0,)')
const npz = (count: number, member: (i: number) => Omit<MemberSpec, 'name'>): Uint8Array =>
  zip(
    Array.from({ length: count }, (_, i) => ({ name: `${i}.npy`, ...member(i) })),
    { zip64: true },
  )

/** Matrices of one number in factors of one number each, all in one layer and all called `w`. */
function agufOfOneName(count: number): Uint8Array {
  const matrix = new Uint8Array(34)
  const view = new DataView(matrix.buffer)
  view.setUint8(0, 119)
  view.setUint16(8, 1, true)
  view.setUint32(10, 1, true)
  view.setUint32(14, 1, true)
  view.setUint8(18, 1)
  const whole = new Uint8Array(count * matrix.byteLength)
  for (let i = 0; i < count; i++) whole.set(matrix, i * matrix.byteLength)
  const config = text('{}')
  return concat(text('AGUF'), le32(2), le32(config.byteLength), config, le32(1), le32(0), le32(count), whole)
}

export const hostileNamed: Record<string, Hostile> = {
  'npz: 65,536 members': () => ['x.npz', npz(65_536, () => ({ data: npyOfNothing }))],
  'npz: 65,536 members of shapes of their own': () => [
    'x.npz',
    npz(65_536, (i) => ({ data: npyOf(`(${i}, 0, ${i}, 7)`) })),
  ],
  'npz: 65,536 members that are no arrays': () => ['x.npz', npz(65_536, () => ({ data: text('MZ') }))],
  'npz: 150,000 deflated members': () => {
    const data = new Uint8Array(deflateRawSync(npyOfNothing))
    const claim = { method: 8, byteLength: npyOfNothing.byteLength, crc: crc32(npyOfNothing) }
    return ['x.npz', npz(150_000, () => ({ data, claim }))]
  },
  'npz: 2,500 deflated members': () => ['x.npz', npz(2500, () => ({ data: npyOfNothing, deflate: true }))],
  'aguf: 150,000 matrices of one name': () => ['x.aguf', agufOfOneName(150_000)],
  'zip: a member of 64e6 zeros as a pickle of 64 kB': () => {
    const data = new Uint8Array(64e6)
    return [
      'x.npz',
      zip([
        { name: 'a.npy', data, deflate: true },
        { name: 'b.npy', data: new Uint8Array(deflateRawSync(data)), claim: { method: 8, byteLength: 64e6 } },
      ]),
    ]
  },
}
