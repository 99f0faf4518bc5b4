/** NeMo's archives under attack. What honest ones hold is in interop.test.ts (make_checkpoints.py). */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openTar } from '../../../../core/formats/archives/tar.ts'
import { memorySource } from '../../../../core/io.ts'
import { concat, openBytes, refusal, text } from '../corpus.ts'

const nemo = new Uint8Array(readFileSync(join(import.meta.dirname, '../../../fixtures/formats/model.nemo')))

/** A header of 512 bytes and the values, padded. */
function member(name: string, data: Uint8Array, change: (header: Uint8Array) => void = () => {}): Uint8Array {
  const header = new Uint8Array(512)
  header.set(text(name).subarray(0, 100))
  header.set(text(data.byteLength.toString(8).padStart(11, '0')), 124)
  header.set(text('0'), 156)
  header.set(text('ustar\x0000'), 257)
  change(header)
  header.set(text('        '), 148)
  header.set(
    text(
      header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0'),
    ),
    148,
  )
  return concat(header, data, new Uint8Array((512 - (data.byteLength % 512)) % 512))
}
const archive = (...members: Uint8Array[]) => concat(...members, new Uint8Array(1024))
const sentence = async (bytes: Uint8Array) => (await refusal(() => openBytes('m.nemo', bytes))).message

describe('hostile', () => {
  it('a member beyond the end, a size that is none, a header that was changed', async () => {
    expect(await sentence(archive(member('a', text('x'), (header) => header.set(text('77777777777'), 124))))).toMatch(
      /cut short/,
    )
    expect(await sentence(archive(member('a', text('x'), (header) => header.set(text('zzzzzzzzzzz'), 124))))).toMatch(
      /no number/,
    )
    const binary = (header: Uint8Array) => header.fill(0xff, 124, 136)
    expect(await sentence(archive(member('a', text('x'), binary)))).toMatch(
      /the size of a member at byte 0, got no number/,
    )
    const changed = nemo.slice()
    changed[0]! ^= 1
    expect(await sentence(changed)).toMatch(/checksum is wrong/)
  })
  it('a size in extended attributes that is no number, or would lead backwards', async () => {
    const pax = (pair: string) =>
      member('pax', text(`${pair.length + 4} ${pair}\n`), (header) => header.set(text('x'), 156))
    const folder = member('a', new Uint8Array(), (header) => header.set(text('5'), 156))
    for (const size of ['-1024', '1e3', '0x10', '1.5'])
      expect(await sentence(archive(pax(`size=${size}`), folder))).toMatch(
        `expected the size of a member at byte 0, got "${size}"`,
      )
  })
  it('a size in extended attributes is that of the member, not of a long name between', async () => {
    const size = member('pax', text('10 size=3\n'), (header) => header.set(text('x'), 156))
    const target = member('././@LongLink', new Uint8Array(600).fill(97), (header) => header.set(text('K'), 156))
    const bytes = archive(size, target, member('a', text('xyz')))
    const start = bytes.byteLength - 1024 - 512
    expect(await openTar(memorySource('m.nemo', bytes))).toEqual(new Map([['a', { start, byteLength: 3 }]]))
  })
  it('a member twice, a long name without end', async () => {
    expect(await sentence(archive(member('a', text('x')), member('./a', text('y'))))).toMatch(
      /every member once, got "a" twice/,
    )
    const long = member('././@LongLink', new Uint8Array(70_000), (header) => header.set(text('L'), 156))
    expect(await sentence(archive(long))).toMatch(/at most 65536 bytes of a long name/)
  })
  it('nothing in it, weights of several processes, Zarr', async () => {
    expect(await sentence(archive(member('a.txt', text('x'))))).toMatch(/expected model_weights.ckpt or .*, got a.txt/)
    const two = [0, 1].map((i) => member(`mp_rank_0${i}/model_weights.ckpt`, text('x')))
    expect(await sentence(archive(...two))).toMatch(/split over 2 processes .*merge them with NeMo/)
    expect(await sentence(archive(member('model_weights/w/.zarray', text('{}'))))).toMatch(/Zarr arrays/)
  })
  it('a compressed one says so', async () => {
    expect(await sentence(Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0))).toMatch(/is a packed archive \(gzip\)\. Unpack/)
  })
})
