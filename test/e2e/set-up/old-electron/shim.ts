/** What Node 18 lacks and the application uses. The old Electron alone runs this. */
import { type Dirent, promises as fs } from 'node:fs'
import { join, relative } from 'node:path'
import zlib from 'node:zlib'

const table = Int32Array.from({ length: 256 }, (_, n) => {
  let word = n
  for (let bit = 0; bit < 8; bit++) word = word & 1 ? 0xedb88320 ^ (word >>> 1) : word >>> 1
  return word
})

function crc32(data: string | Uint8Array, previous = 0): number {
  let sum = ~previous
  for (const byte of typeof data === 'string' ? Buffer.from(data) : data) sum = table[(sum ^ byte) & 255]! ^ (sum >>> 8)
  return ~sum >>> 0
}

function canParse(url: string, base?: string): boolean {
  try {
    new URL(url, base)
    return true
  } catch {
    return false
  }
}

function withResolvers() {
  let resolve: unknown
  let reject: unknown
  const promise = new Promise((fulfil, refuse) => {
    resolve = fulfil
    reject = refuse
  })
  return { promise, resolve, reject }
}

/** Node 18.15 knows neither `recursive` nor `parentPath`. */
const readdir = fs.readdir as (folder: string, options?: object) => Promise<(Dirent & { parentPath: string })[]>
async function recursively(folder: string, options?: { recursive?: boolean; withFileTypes?: boolean }) {
  if (!options?.recursive) return readdir(folder, options)
  const found: unknown[] = []
  const walk = async (at: string): Promise<void> => {
    for (const entry of await readdir(at, { withFileTypes: true })) {
      entry.parentPath = at
      found.push(options.withFileTypes ? entry : relative(folder, join(at, entry.name)))
      if (entry.isDirectory()) await walk(join(at, entry.name))
    }
  }
  await walk(folder)
  return found
}

function add(to: object, name: string, value: unknown): void {
  if (!(name in to)) Object.defineProperty(to, name, { value, configurable: true, writable: true })
}
add(zlib, 'crc32', crc32)
add(URL, 'canParse', canParse)
add(Promise, 'withResolvers', withResolvers)
Object.assign(fs, { readdir: recursively })
