import { deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../../../core/errors.ts'
import { crc32 } from '../../../../core/formats/archives/crc32.ts'
import { openZip } from '../../../../core/formats/archives/zip.ts'
import { memorySource } from '../../../../core/io.ts'
import { concat, openBytes, refusal, text } from '../corpus.ts'
import { checkpoint, type MemberSpec, stateDict, tensor, zip } from './archives.ts'

const values = Uint8Array.from({ length: 400 }, (_, i) => (i * i) & 255)
const w = stateDict({ w: tensor({ shape: [100], strides: [1], length: 100 }) })
const members = (change: Partial<MemberSpec> = {}): MemberSpec[] => [
  { name: 'archive/data.pkl', data: w },
  { name: 'archive/data/0', data: values, ...change },
]
const sentence = async (bytes: Uint8Array) => (await refusal(() => openBytes('x.pt', bytes))).message

describe('reading', () => {
  it.each([
    ['stored', zip(members())],
    ['deflated', zip(members({ deflate: true }))],
    ['zip64', zip(members(), { zip64: true })],
    ['zip64 and deflated', zip(members({ deflate: true }), { zip64: true })],
    ['with a comment', zip(members(), { comment: 'PK\x05\x06'.repeat(20) })],
  ])('%s', async (_, bytes) => {
    const file = await openBytes('x.pt', bytes)
    expect(await file.read(file.tensors[0]!)).toEqual(values)
    for (const [start, end] of [
      [0, 10],
      [100, 399],
      [5, 6],
      [399, 400],
      [0, 400],
    ] as const)
      expect(await file.read(file.tensors[0]!, start, end)).toEqual(values.slice(start, end))
    await file.close()
  })

  it('inflates a large member forward, range by range, and back again', async () => {
    const large = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i >> 8) ^ (i * 7))
    const archive = await openZip(memorySource('x', zip([{ name: 'm', data: large, deflate: true }])))
    const source = await archive.open(archive.members.get('m')!)
    for (const at of [0, 1_000_000, 2_500_000, 500_000, 2_999_990])
      expect(await source.slice(at, at + 10)).toEqual(large.slice(at, at + 10))
    expect(crc32(await source.slice(0, large.byteLength))).toBe(crc32(large))
    const together = await Promise.all([source.slice(10, 20), source.slice(5, 8), source.slice(2_000_000, 2_000_003)])
    expect(together).toEqual([large.slice(10, 20), large.slice(5, 8), large.slice(2_000_000, 2_000_003)])
    await source.close()
  })

  it('crc32 of "123456789" is cbf43926, also in pieces', () => {
    expect(crc32(text('123456789'))).toBe(0xcbf43926)
    expect(crc32(text('23456789'), crc32(text('1')))).toBe(0xcbf43926)
  })
})

describe('hostile', () => {
  it('truncated at every 1/20 of its length', async () => {
    const good = zip(members())
    for (let i = 1; i < 20; i++)
      expect(await sentence(good.subarray(0, Math.floor((good.byteLength * i) / 20)))).toMatch(
        /expected .* got |is cut short|is empty/,
      )
  })
  it.each(['../x', 'a/../../x', '/etc/passwd', 'C:\\x', 'a\\..\\x', 'a\0b'])('a member called %j', async (name) => {
    expect(await sentence(zip([...members(), { name, data: new Uint8Array(1) }]))).toMatch(
      /a name inside the archive, got a path that leads out/,
    )
  })
  it('encrypted', async () => {
    for (const flags of [1, 0x40, 0x2000])
      expect(await sentence(zip(members({ claim: { flags } })))).toMatch(/it is encrypted/)
  })
  it('a compression nobody asked for', async () => {
    expect(await sentence(zip(members({ claim: { method: 12 } })))).toMatch(/compression method 12/)
  })
  it('a stored member that is longer than its bytes', async () => {
    expect(await sentence(zip(members({ claim: { byteLength: 800 } })))).toMatch(
      /expected 400 bytes, as it is stored, got 800/,
    )
    expect(await sentence(zip(members({ claim: { byteLength: 4000, packedLength: 4000 } })))).toMatch(/they overlap/)
  })
  it('a deflated member that is longer or shorter than it says', async () => {
    expect(
      await sentence(
        zip([
          members()[0]!,
          { name: 'archive/data/0', data: concat(values, values), deflate: true, claim: { byteLength: 400 } },
        ]),
      ),
    ).toMatch(/its size is a lie/)
    expect(
      await sentence(
        zip([
          members()[0]!,
          { name: 'archive/data/0', data: values.slice(0, 300), deflate: true, claim: { byteLength: 400 } },
        ]),
      ),
    ).toMatch(/expected 400 bytes, got 300 when unpacked/)
  })
  it('a deflated member that is no deflate, or has another checksum', async () => {
    expect(
      await sentence(
        zip([members()[0]!, { name: 'archive/data/0', data: new Uint8Array(400).fill(255), claim: { method: 8 } }]),
      ),
    ).toMatch(/cannot be inflated/)
    expect(await sentence(zip(members({ deflate: true, claim: { crc: 1 } })))).toMatch(/the checksum 00000001/)
  })
  it('junk behind the end of a deflated member', async () => {
    const packed = concat(new Uint8Array(deflateRawSync(values)), new Uint8Array(40).fill(7))
    const claim = { method: 8, byteLength: 400, crc: crc32(values) }
    const archive = await openZip(memorySource('x', zip([{ name: 'm', data: packed, claim }])))
    for (const [start, end] of [
      [0, 10],
      [0, 400],
    ] as const) {
      const source = await archive.open(archive.members.get('m')!)
      const bytes = await source.slice(start, end).catch((error: unknown) => error)
      if (bytes instanceof Uint8Array) expect(bytes).toEqual(values.slice(start, end))
      else expect(bytes).toBeInstanceOf(AppError)
      await new Promise((resolve) => setImmediate(resolve))
      await source.close()
    }
  })
  it('a 1000:1 bomb', async () => {
    const bomb = zip([members()[0]!, { name: 'archive/data/0', data: new Uint8Array(70_000_000), deflate: true }])
    expect(bomb.byteLength).toBeLessThan(80_000)
    expect(await sentence(bomb)).toMatch(
      /at most 200 times its packed size, got 10\d\d: it would unpack to 70000000 bytes/,
    )
  })
  it('a bomb that says it is small', async () => {
    const bomb = zip([
      members()[0]!,
      { name: 'archive/data/0', data: new Uint8Array(70_000_000), deflate: true, claim: { byteLength: 400 } },
    ])
    expect(await sentence(bomb)).toMatch(/its size is a lie/)
  })
  it('a pickle that is a bomb', async () => {
    const bomb = zip([{ name: 'archive/data.pkl', data: new Uint8Array(60_000_000).fill(0x4e), deflate: true }])
    expect(await sentence(bomb)).toMatch(/values on the stack/)
  })
  it('overlapping entries', async () => {
    const at = 30 + 'archive/data.pkl'.length + w.byteLength
    expect(
      await sentence(zip([...members(), { name: 'archive/data/1', data: values, claim: { offset: at } }])),
    ).toMatch(/they overlap/)
    expect(await sentence(zip(members({ claim: { offset: 10 } })))).toMatch(/they overlap/)
  })
  it('a member that is not where the directory says, or has another name there', async () => {
    expect(await sentence(zip(members({ claim: { localName: 'archive/data/1' } })))).toMatch(/got two names/)
    const shifted = zip(members())
    expect(await sentence(concat(text('PK\x03\x04junk'), shifted))).toMatch(/a zip directory that ends at/)
  })
  it('the same member twice', async () => {
    expect(await sentence(zip([...members(), members()[1]!]))).toMatch(/"archive\/data\/0" twice/)
  })
  it('more or fewer members than the directory has', async () => {
    expect(await sentence(zip(members(), { count: 3 }))).toMatch(/expected 3 members/)
    expect(await sentence(zip(members(), { count: 1 }))).toMatch(/a zip directory of/)
    expect(await sentence(zip(members(), { count: 2 ** 60, zip64: true }))).toMatch(/a zip64 record/)
    expect(await sentence(zip(members(), { count: 1_000_000, zip64: true }))).toMatch(/at most 150000 members/)
  })
  it('two directories: the last one that reaches the end of the file counts', async () => {
    const inner = zip([{ name: 'inner', data: values }])
    const bytes = zip([{ name: 'outer', data: inner }])
    const archive = await openZip(memorySource('x', bytes))
    expect([...archive.members.keys()]).toEqual(['outer'])
  })
  it('an archive without weights', async () => {
    expect(await sentence(zip([{ name: 'readme.txt', data: values }]))).toMatch(
      /one data\.pkl, as PyTorch writes it, got 0 among 1 members such as "readme\.txt"/,
    )
    expect(await sentence(zip([]))).toMatch(/got 0 among 0 members/)
    expect(await sentence(zip([...checkpoint(w, { 0: values }), { name: 'b/data.pkl', data: w }]))).toMatch(
      /got 2 among/,
    )
  })
  it('a big-endian archive', async () => {
    expect(await sentence(zip([...members(), { name: 'archive/byteorder', data: text('big') }]))).toMatch(
      /byte order is "big"/,
    )
  })
  it('names that are not UTF-8', async () => {
    const bytes = zip([{ name: 'aa', data: values }])
    for (let i = 0; i < bytes.length; i++) if (bytes[i] === 97 && bytes[i + 1] === 97) bytes[i] = 0xff
    await expect(openZip(memorySource('x', bytes))).rejects.toThrow(AppError)
  })
})
