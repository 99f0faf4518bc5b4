/**
 * What hostile headers cost: each opens or is refused within a second of processor time and 200 MB, in a process of its own.
 * `npm run -s stress:headers -- [part of a name]`; ends with status 1 where one does not.
 *
 * The files are as hostile as their formats allow: as many of the smallest things as fit below each limit of its reader, and one more.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AppError } from '../../core/errors.ts'
import { openWeightFile } from '../../core/formats/opening/open.ts'
import { pickSource } from '../../main/files/files.ts'
import { int, le32, pickle, zip } from '../core/formats/archives/archives.ts'
import { concat, safetensorsFile, text, u64 } from '../core/formats/corpus.ts'
import * as onnx from '../core/formats/onnx/onnx-model.ts'

const mostSeconds = 1
const mostBytes = 200e6

const repeated = (piece: Uint8Array, count: number): Uint8Array => {
  const whole = new Uint8Array(piece.byteLength * count)
  for (let i = 0; i < count; i++) whole.set(piece, i * piece.byteLength)
  return whole
}
/** More pieces than can be arguments. */
const joined = (count: number, piece: (i: number) => Uint8Array): Uint8Array =>
  Uint8Array.from(Buffer.concat(Array.from({ length: count }, (_, i) => piece(i))))
const entries = (count: number, entry: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => entry(i)).join(',')
const empty = (i: number, base = '') => `"${base}${i.toString(36)}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`
/** A pickle of protocol 2. */
const pickled = (...parts: (string | number | Uint8Array)[]) => pickle(0x80, 2, ...parts, '.')

const files: Record<string, () => [name: string, bytes: Uint8Array]> = {
  'safetensors: 150,000 empty tensors': () => ['x.safetensors', safetensorsFile(`{${entries(150_000, empty)}}`, 0)],
  'safetensors: 1e6 empty tensors': () => ['x.safetensors', safetensorsFile(`{${entries(1e6, empty)}}`, 0)],
  'safetensors: 3e6 metadata keys': () => [
    'x.safetensors',
    safetensorsFile(`{"__metadata__":{${entries(3e6, (i) => `"${i.toString(36)}":""`)}}}`, 0),
  ],
  'safetensors: 1e6 metadata keys of 80 bytes': () => [
    'x.safetensors',
    safetensorsFile(`{"__metadata__":{${entries(1e6, (i) => `"${String(i).padStart(80, 'k')}":""`)}}}`, 0),
  ],
  'safetensors: 45e6 escapes': () => ['x.safetensors', safetensorsFile(`{"a":"${'\\n'.repeat(45e6)}"}`, 0)],
  'safetensors: 16e6 \\u escapes': () => ['x.safetensors', safetensorsFile(`{"a":"${'\\u0041'.repeat(16e6)}"}`, 0)],
  'safetensors: 16e6 lone surrogates': () => ['x.safetensors', safetensorsFile(`{"a":"${'\\ud800'.repeat(16e6)}"}`, 0)],
  'safetensors: 99e6 brackets': () => ['x.safetensors', safetensorsFile(`{"a":${'['.repeat(99e6)}`, 0)],
  'safetensors: a shape of 45e6 sizes': () => [
    'x.safetensors',
    safetensorsFile(`{"a":{"dtype":"F32","shape":[${'1,'.repeat(45e6)}1],"data_offsets":[0,4]}}`, 4),
  ],
  'safetensors: 99e6 spaces': () => ['x.safetensors', safetensorsFile(`{${' '.repeat(99e6)}}`, 0)],
  'index: 900,000 entries': () => [
    'x.safetensors.index.json',
    text(`{"metadata":{},"weight_map":{${entries(9e5, (i) => `"${i}":"a.safetensors"`)}}}`),
  ],
  'gguf: 65,536 pairs': () => {
    const pair = (i: number) => concat(u64(8n), text(String(i).padStart(8)), le32(0), Uint8Array.of(1))
    return [
      'x.gguf',
      concat(text('GGUF'), le32(3), u64(0n), u64(65_536n), ...Array.from({ length: 65_536 }, (_, i) => pair(i))),
    ]
  },
  'gguf: 65,536 empty tensors': () => {
    const tensor = (i: number) => concat(u64(8n), text(String(i).padStart(8)), le32(1), u64(0n), le32(0), u64(0n))
    return [
      'x.gguf',
      concat(
        text('GGUF'),
        le32(3),
        u64(65_536n),
        u64(0n),
        ...Array.from({ length: 65_536 }, (_, i) => tensor(i)),
        new Uint8Array(64),
      ),
    ]
  },
  'gguf: a list of 90e6 bytes, of texts': () => {
    const list = concat(u64(1n), text('a'), le32(9), le32(8), u64(11_000_000n), new Uint8Array(88e6))
    return ['x.gguf', concat(text('GGUF'), le32(3), u64(0n), u64(1n), list)]
  },
  'pickle: 5e6 TUPLE1': () => ['x.pkl', pickled('N', repeated(Uint8Array.of(0x85), 5e6))],
  'pickle: 9e6 pushes and pops': () => ['x.pkl', pickled(repeated(text('N0'), 4.5e6), 'N')],
  'pickle: a list of 4e6': () => ['x.pkl', pickled(']', '(', repeated(text('N'), 9e5), 'e')],
  'pickle: 1e6 empty dicts': () => ['x.pkl', pickled('](', repeated(text('}'), 9e5), 'e')],
  'pickle: 1e6 texts': () => ['x.pkl', pickled('](', repeated(concat(text('X'), le32(8), text('abcdefgh')), 9e5), 'e')],
  'pickle: 1e6 memo entries': () => [
    'x.pkl',
    pickled(
      joined(5e5, (i) => concat(text('Nr'), le32(i), text('0'))),
      'N',
    ),
  ],
  'pickle: nested 900 deep, 1e6 times': () => [
    'x.pkl',
    pickled(']', repeated(text(']'), 9e5), repeated(text('a'), 9e5)),
  ],
  'pickle: a text of 47e6': () => ['x.pkl', pickled('X', le32(15e6), 'x'.repeat(15e6))],
  'pickle: integers of 255 bytes': () => [
    'x.pkl',
    pickled('](', repeated(concat(Uint8Array.of(0x8a, 255), new Uint8Array(255).fill(1)), 2e5), 'e'),
  ],
  'pytorch: 150,000 members': () => [
    'x.pt',
    zip(Array.from({ length: 150_000 }, (_, i) => ({ name: `a/data/${i}`, data: new Uint8Array() }))),
  ],
  'npz: 200,000 members': () => [
    'x.npz',
    zip(Array.from({ length: 200_000 }, (_, i) => ({ name: `${i}.npy`, data: new Uint8Array() }))),
  ],
  'onnx: 150,000 initializers': () => ['x.onnx', onnx.model(repeated(onnx.bytes(5, onnx.number(2, 1)), 150_000))],
  'onnx: 1e6 initializers': () => ['x.onnx', onnx.model(repeated(onnx.bytes(5, onnx.number(2, 1)), 1e6))],
  'onnx: 4e6 node fields': () => ['x.onnx', onnx.model(repeated(onnx.bytes(1, onnx.bytes(4, 'x')), 2e6))],
  'onnx: 20e6 unknown fields': () => ['x.onnx', onnx.model(repeated(onnx.number(15, 1), 20e6))],
  'msgpack: 4e6 values': () => [
    'x.msgpack',
    concat(Uint8Array.of(0x81, 0xa1, 0x61, 0xdd, 0, 0x3d, 9, 0), new Uint8Array(4e6)),
  ],
  'msgpack: 1e6 keys': () => [
    'x.msgpack',
    concat(
      Uint8Array.of(0xdf, 0, 0xf, 0x42, 0x40),
      joined(1e6, (i) => concat(Uint8Array.of(0xa7), text(String(i).padStart(7)), Uint8Array.of(1))),
    ),
  ],
  'npy: a header of 64 kB of brackets': () => [
    'x.npy',
    concat(
      text('\x93NUMPY\x01\x00').map((b, i) => (i === 0 ? 0x93 : b)),
      Uint8Array.of(0xff, 0xff),
      text('{'.repeat(65_535)),
    ),
  ],
  'pickle: 200,000 ints as tensors': () => [
    'x.pkl',
    pickled('](', repeated(concat(text('J'), int(0).slice(1)), 2e5), 'e'),
  ],
}

/** In the child: opens one and prints what that cost beyond the process itself. */
async function measure(path: string): Promise<void> {
  await openWeightFile(await pickSource(`${path}.none`, 'file')).catch(() => {})
  const [before, cpu] = [process.resourceUsage().maxRSS, process.cpuUsage()]
  let outcome = ''
  try {
    const file = await openWeightFile(await pickSource(path, 'file'))
    outcome = `opened, ${file.tensors.length} tensors`
  } catch (error) {
    outcome = error instanceof AppError ? error.message : `NO SENTENCE: ${String(error)}`
  }
  const { user, system } = process.cpuUsage(cpu)
  const bytes = (process.resourceUsage().maxRSS - before) * 1024
  console.log(JSON.stringify({ seconds: (user + system) / 1e6, bytes, outcome: outcome.slice(0, 120) }))
}

const [wanted = '', child] = process.argv.slice(2)
if (wanted === '--one') await measure(child!)
else {
  const folder = mkdtempSync(join(tmpdir(), 'ghostsvd-headers-'))
  try {
    for (const [title, make] of Object.entries(files)) {
      if (!title.includes(wanted)) continue
      const [name, bytes] = make()
      const path = join(folder, name)
      writeFileSync(path, bytes)
      const printed = execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--one', path], {
        encoding: 'utf8',
      })
      const cost = JSON.parse(printed.trim().split('\n').at(-1)!) as { seconds: number; bytes: number; outcome: string }
      const over = cost.seconds > mostSeconds || cost.bytes > mostBytes || cost.outcome.startsWith('NO SENTENCE')
      if (over) process.exitCode = 1
      console.log(
        `${over ? 'OVER' : 'ok  '} ${cost.seconds.toFixed(2)} s ${(cost.bytes / 1e6).toFixed(0).padStart(4)} MB  ${title}: ${cost.outcome}`,
      )
      rmSync(path)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
