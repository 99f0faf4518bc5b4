/** What opening a file may ask of the system, whatever its parts refer to. */
import { expect, it } from 'vitest'
import { openTar } from '../../../../core/formats/archives/tar.ts'
import { openZip } from '../../../../core/formats/archives/zip.ts'
import {
  countUnpacked,
  headerSource,
  maxReads,
  maxUnpackedBytes,
} from '../../../../core/formats/reading/header-source.ts'
import { memorySource } from '../../../../core/io.ts'
import { zip } from '../archives/archives.ts'

const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7919) >> 3)

/** A source that counts what it is asked for. */
function watched() {
  const source = memorySource('x.bin', bytes)
  const seen = { reads: 0 }
  const slice = (start: number, end: number) => {
    seen.reads++
    return source.slice(start, end)
  }
  return { source: { ...source, slice }, seen }
}

it('gives the bytes of the file, across pages, at its end and once it is opened', async () => {
  const headers = headerSource(watched().source)
  for (let pass = 0; pass < 2; pass++) {
    for (const [start, end] of [
      [0, 10],
      [8190, 8194],
      [8192, 16_384],
      [99_990, 100_000],
      [5, 50_000],
      [100_000, 100_000],
    ] as const)
      expect(await headers.slice(start, end)).toEqual(bytes.slice(start, end))
    headers.opened()
  }
})

it('asks the system once for what lies close together', async () => {
  const { source, seen } = watched()
  const headers = headerSource(source)
  for (let i = 0; i < 1000; i++) await headers.slice(8 * i, 8 * i + 8)
  expect(seen.reads).toBe(1)
})

it('what it gave is the own of who asked', async () => {
  const headers = headerSource(watched().source)
  const first = await headers.slice(0, 8)
  first.fill(0)
  expect(await headers.slice(0, 8)).toEqual(bytes.slice(0, 8))
})

it('refuses a file whose reader is led through all of it, and counts nothing of what is read later', async () => {
  const headers = headerSource(watched().source)
  // Longer than a page: nothing is kept.
  for (let i = 0; i < maxReads; i++) await headers.slice(0, 9000)
  await expect(headers.slice(0, 9000)).rejects.toThrow('at most 10000 reads of its headers')
  headers.opened()
  for (let i = 0; i < 10; i++) await headers.slice(0, 9000)
})

it('refuses to unpack a member of an archive again and again for the sake of its headers', async () => {
  const data = new Uint8Array(1_000_000)
  const headers = headerSource(memorySource('x.zip', zip([{ name: 'a', data, deflate: true }])))
  const archive = await openZip(headers)
  const member = await archive.open(archive.members.get('a')!)
  const end = () => member.slice(data.byteLength - 8, data.byteLength)
  await end()
  countUnpacked(headers, maxUnpackedBytes - 2 * data.byteLength)
  await member.slice(0, 8)
  await expect(
    end()
      .then(() => member.slice(0, 8))
      .then(end),
  ).rejects.toThrow('bytes unpacked for its headers')
  headers.opened()
  await end()
})

it('counts nothing of a source that is none of headers', () => {
  expect(() => countUnpacked(watched().source, 2 * maxUnpackedBytes)).not.toThrow()
})

it('reads the headers of a tar archive by windows', async () => {
  const header = new Uint8Array(512)
  const write = (at: number, text: string) => header.set(new TextEncoder().encode(text), at)
  write(124, '00000000000')
  write(156, '5')
  write(148, '        ')
  write(
    148,
    header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0'),
  )
  header[155] = 32
  header[154] = 0
  const folders = new Uint8Array(512 * 2000)
  for (let i = 0; i < 2000; i++) folders.set(header, 512 * i)
  let reads = 0
  const source = memorySource('x.tar', folders)
  await openTar({
    ...source,
    slice: (start, end) => {
      reads++
      return source.slice(start, end)
    },
  })
  expect(reads).toBeLessThan(20)
})
