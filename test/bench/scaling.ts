/**
 * How time grows with m n k and with the number of tensors, and memory with the size of a model: whole runs of the command line, medians of three.
 *
 *   node test/bench/scaling.ts [--short]     the tables (after npm run build; two minutes where nothing else runs)
 */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { median } from '../../main/bench/median.ts'

const program = resolve(import.meta.dirname, '../../out/main/cli.js')
const short = process.argv.includes('--short')
const folder = mkdtempSync(join(tmpdir(), 'ghostsvd-scaling-'))

interface Outcome {
  readonly elapsedMs: number
  readonly peakBytes: number
}

/** A safetensors file of `count` matrices n x n of normals in BF16, all the same but for one value. */
function model(count: number, n: number): string {
  const path = join(folder, `${count}-${n}.safetensors`)
  const bytes = 2 * n * n
  const entries = Array.from({ length: count }, (_, i) => {
    const offsets = [i * bytes, (i + 1) * bytes]
    return [`layers.${i}.weight`, { dtype: 'BF16', shape: [n, n], data_offsets: offsets }] as const
  })
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)))
  const padded = Buffer.concat([header, Buffer.alloc(-header.length & 7, ' ')])
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(padded.length))
  const file = openSync(path, 'w')
  writeSync(file, Buffer.concat([length, padded]))
  const values = normals(n * n)
  for (let i = 0; i < count; i++) {
    values[0] = 0x3f80 + (i % 64)
    writeSync(file, new Uint8Array(values.buffer))
  }
  closeSync(file)
  return path
}

/** Upper halves of f32. */
function normals(count: number): Uint16Array {
  let state = 1
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state + 0.5) / 2 ** 32
  }
  const values = Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  )
  return Uint16Array.from(new Uint32Array(values.buffer), (bits) => bits >>> 16)
}

function compress(path: string, rank: number): Outcome {
  const out = join(folder, 'out.safetensors')
  const flags = [
    '--rank',
    String(rank),
    '--method',
    'randomized',
    '--no-projection-tiers',
    '--device',
    'cpu',
    '--force',
  ]
  const runs = Array.from({ length: short ? 1 : 3 }, () => {
    const stdout = execFileSync(process.execPath, [program, 'compress', path, '--out', out, ...flags, '--json'], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    })
    return JSON.parse(stdout) as Outcome
  })
  return {
    elapsedMs: median(runs.map(({ elapsedMs }) => elapsedMs)),
    peakBytes: median(runs.map(({ peakBytes }) => peakBytes)),
  }
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`.padStart(9)
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`.padStart(8)

try {
  console.log('one matrix n x n, BF16      time     ns a weight and column')
  for (const n of short ? [256, 512] : [512, 1024, 2048, 4096, 8192]) {
    const path = model(1, n)
    for (const rank of short ? [32] : [32, 128, 512].filter((rank) => rank < n / 2)) {
      const { elapsedMs } = compress(path, rank)
      const perProduct = (1e6 * elapsedMs) / (n * n * (rank + 10))
      console.log(`n ${n} rank ${rank}`.padEnd(24), seconds(elapsedMs), perProduct.toFixed(3).padStart(10))
    }
    rmSync(path)
  }
  console.log('\nmatrices 64 x 64, rank 8    time     ms a tensor   memory')
  for (const count of short ? [10, 100] : [10, 100, 1000, 10_000]) {
    const path = model(count, 64)
    const { elapsedMs, peakBytes } = compress(path, 8)
    console.log(
      String(count).padEnd(24),
      seconds(elapsedMs),
      (elapsedMs / count).toFixed(2).padStart(12),
      megabytes(peakBytes),
    )
    rmSync(path)
  }
  console.log('\nmatrices 2048 x 2048, rank 64, by size of the model     time    memory')
  for (const count of short ? [1, 2] : [4, 16, 64, 256]) {
    const path = model(count, short ? 256 : 2048)
    const { elapsedMs, peakBytes } = compress(path, 64)
    console.log(megabytes(count * 2 * (short ? 256 : 2048) ** 2).padEnd(50), seconds(elapsedMs), megabytes(peakBytes))
    rmSync(path)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
