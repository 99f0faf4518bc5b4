/**
 * What a GPU does for this product, in five minutes on a machine that has one: whether Vulkan, Metal or Direct3D sees it, whether its products are right, how fast they are beside
 * torch on the same GPU, and what analyses and a whole model gain over the processor.
 *
 *   node test/bench/gpu.ts [--device gpu:NAME] [--python PYTHON] [--short]   the table (after npm ci and npm run build; Node 24)
 *   node test/bench/gpu.ts --pack FILE.tar.xz                                what a bare Linux x64 machine needs for that, in one archive: unpack it and run ./run.sh
 *
 * Times are medians of five after a warm-up; a product counts from its thin matrix in this process to the result back in it.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { describeAdapter, deviceName } from '../../core/kernels/gpu/adapter.ts'
import { DeviceKernels, limitsOf } from '../../core/kernels/gpu/device-kernels.ts'
import { startUpTest } from '../../core/kernels/gpu/start-up-test.ts'
import { noise, weightsOf, worst } from '../core/kernels/gpu/bound.ts'

const root = resolve(import.meta.dirname, '../..')
const usage = `node test/bench/gpu.ts [--device gpu[:NAME]] [--python PYTHON] [--short] [--pack FILE.tar.xz]

  --device   the GPU to measure (default: gpu, the one the system prefers)
  --python   an interpreter with torch, for its products on the same GPU (default: python3)
  --short    smaller matrices: whether all of it works, no numbers
  --pack     writes an archive for a machine without network, and measures nothing`

const { values: options } = parseArgs({
  options: {
    device: { type: 'string', default: 'gpu' },
    python: { type: 'string', default: 'python3' },
    short: { type: 'boolean', default: false },
    pack: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (options.help) console.log(usage)
else if (options.pack !== undefined) pack(options.pack)
else await measure()

async function measure(): Promise<void> {
  const found = await openDevice()
  if (!found) return
  const { kernels } = found
  await suite(kernels)
  await products(kernels)
  found.device.destroy()
  runs()
  process.exit(process.exitCode ?? 0)
}

/** Kept: once Dawn's instance is collected, the process ends. */
async function openDevice() {
  const { create, globals } = (await import('webgpu')) as { create(flags: string[]): GPU; globals: object }
  Object.assign(globalThis, globals)
  const name = options.device.startsWith('gpu:') ? options.device.slice(4) : null
  const gpu = create(name === null ? [] : [`adapter=${name}`])
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  if (!adapter) {
    console.log('No adapter: is there a driver for Vulkan (libvulkan.so.1 and an ICD), Metal or Direct3D 12?')
    process.exitCode = 1
    return null
  }
  const info = describeAdapter(adapter)
  console.log(`${deviceName(info)} (${info.kind}), buffers up to ${(info.bufferBytes / 2 ** 30).toFixed(1)} GiB`)
  const device = await adapter.requestDevice({ requiredLimits: limitsOf(adapter) })
  return { gpu, device, kernels: new DeviceKernels(device) }
}

/** Every entry within the bound of its sums: shapes with edges of tiles, blocks and planes. */
async function suite(kernels: DeviceKernels): Promise<void> {
  const started = performance.now()
  const fault = await startUpTest(kernels)
  console.log(`test at the start: ${fault ?? 'passed'}, ${(performance.now() - started).toFixed(0)} ms`)
  let most = 0
  for (const dtype of ['F32', 'F16', 'BF16'] as const)
    for (const [m, n, k] of [
      [1, 37, 42],
      [65, 63, 17],
      [257, 129, 43],
      [131, 2051, 35],
      [2049, 70, 35],
      [70, 4100, 130],
    ] as const) {
      const A = weightsOf(m, n, dtype)
      const held = await kernels.allocate(A)
      await kernels.write(held, 0, A.data)
      for (const mode of ['plain', 'transposed'] as const) {
        const [rows, inner] = mode === 'plain' ? [m, n] : [n, m]
        const right = Float32Array.from({ length: inner * k }, noise(k))
        const out = new Float32Array(rows * k).fill(Number.NaN)
        await kernels.multiply(held, mode, right, k, out)
        const share = worst(A, mode, right, k, out)
        if (!(share <= most)) most = share
      }
      kernels.release(held)
    }
  console.log(`kernel suite: largest error ${most.toFixed(3)} of its bound${most <= 1 ? '' : ': WRONG'}`)
  if (!(most <= 1 && fault === null)) process.exitCode = 1
}

async function products(kernels: DeviceKernels): Promise<void> {
  const sizes = options.short ? [512] : [4096, 8192]
  const theirs = torch(sizes)
  console.log('\nproducts, ms (TFLOP/s)          A X             At Y            torch A X')
  for (const n of sizes)
    for (const dtype of ['F32', 'BF16'] as const) {
      const A = weightsOf(n, n, dtype)
      const held = await kernels.allocate(A)
      await kernels.write(held, 0, A.data)
      for (const k of [32, 128, 512]) {
        const right = Float32Array.from({ length: n * k }, noise(k))
        const out = new Float32Array(n * k)
        const cells: string[] = []
        for (const mode of ['plain', 'transposed'] as const)
          cells.push(cell(await median(() => kernels.multiply(held, mode, right, k, out)), n, k))
        const other = theirs?.[`${n} ${dtype} ${k}`]
        console.log(`${n} ${dtype} ${k}`.padEnd(30), ...cells, other === undefined ? '-' : cell(other, n, k))
      }
      kernels.release(held)
    }
}

function cell(ms: number, n: number, k: number): string {
  return `${ms.toFixed(2)} (${((2 * n * n * k) / ms / 1e9).toFixed(2)})`.padEnd(16)
}

async function median(work: () => Promise<unknown>): Promise<number> {
  await work()
  const times: number[] = []
  for (let i = 0; i < 5; i++) {
    const started = performance.now()
    await work()
    times.push(performance.now() - started)
  }
  return times.sort((a, b) => a - b)[2]!
}

/** torch on the same GPU, with the thin matrix and the result in the host's memory as here; null where there is none. */
function torch(sizes: readonly number[]): Record<string, number> | null {
  const script = `
import json, sys, time, torch
assert torch.cuda.is_available()
torch.backends.cuda.matmul.allow_tf32 = False
found = {}
for n in ${JSON.stringify(sizes)}:
    for name, dtype in (("F32", torch.float32), ("BF16", torch.bfloat16)):
        A = torch.randn(n, n).to(dtype).cuda()
        for k in (32, 128, 512):
            X = torch.randn(n, k)
            times = []
            for i in range(6):
                start = time.perf_counter(); (A.float() @ X.cuda()).cpu(); times.append(time.perf_counter() - start)
            found[f"{n} {name} {k}"] = 1000 * sorted(times[1:])[2]
print(json.dumps(found))`
  const { status, stdout, stderr } = spawnSync(options.python, ['-c', script], { encoding: 'utf8' })
  if (status === 0) return JSON.parse(stdout) as Record<string, number>
  console.log(`\ntorch: not measured (${stderr?.trim().split('\n').at(-1) ?? 'no such program'})`)
  return null
}

/** Analyses of one matrix and a whole model, by both. */
function runs(): void {
  const folder = mkdtempSync(join(tmpdir(), 'ghostsvd-gpu-'))
  const cli = (...args: string[]) =>
    execFileSync(process.execPath, [join(root, 'out/main/cli.js'), ...args, '--json'], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    })
  try {
    console.log('\none matrix, randomized, ms                cpu      gpu')
    for (const n of options.short ? [512] : [4096, 8192])
      for (const dtype of ['F32', 'BF16'] as const) {
        const file = join(folder, 'matrix.safetensors')
        writeFileSync(file, matrixFile(n, dtype))
        for (const rank of [32, 128, 512].filter((k) => k < n)) {
          const times = ['cpu', options.device].map((device) => {
            const flags = ['--device', device, '--method', 'randomized', '--rank', String(rank), '--repeat', '5']
            const { computeMs } = JSON.parse(cli('analyze', file, '--tensor', 'w', ...flags)) as { computeMs: number[] }
            return computeMs
              .sort((a, b) => a - b)[2]!
              .toFixed(0)
              .padStart(8)
          })
          console.log(`${n} ${dtype} rank ${rank}`.padEnd(36), ...times)
        }
        rmSync(file)
      }
    const model = join(folder, 'model.safetensors')
    cli('sample', model, '--layers', '1', '--hidden', options.short ? '256' : '4096', '--dtype', 'BF16')
    for (const device of ['cpu', options.device]) {
      const flags = ['--device', device, '--method', 'randomized', '--rank', '128', '--force', '--no-projection-tiers']
      const out = join(folder, 'out.safetensors')
      const report = JSON.parse(cli('compress', model, ...flags, '--out', out)) as {
        elapsedMs: number
        relativeError: number
        device?: string
        notices: string[]
      }
      const { elapsedMs, relativeError, device: by, notices } = report
      console.log(
        `whole model, ${device}: ${(elapsedMs / 1000).toFixed(1)} s, error ${(100 * relativeError).toFixed(3)} %, products by ${by ?? 'the processor'}`,
      )
      for (const notice of notices) console.log(`  ${notice}`)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function matrixFile(n: number, dtype: 'F32' | 'BF16'): Uint8Array {
  const { data } = weightsOf(n, n, dtype)
  const header = Buffer.from(JSON.stringify({ w: { dtype, shape: [n, n], data_offsets: [0, data.byteLength] } }))
  const padded = Buffer.concat([header, Buffer.alloc((8 - (header.length % 8)) % 8, 0x20)])
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(padded.length))
  return Buffer.concat([length, padded, data])
}

function pack(archive: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'ghostsvd-gpu-pack-'))
  const put = (path: string, to = path) => {
    mkdirSync(dirname(join(folder, to)), { recursive: true })
    cpSync(join(root, path), join(folder, to), { recursive: true })
  }
  try {
    for (const path of ['package.json', 'core', 'test/bench/gpu.ts', 'test/core/kernels/gpu/bound.ts']) put(path)
    cpSync(join(root, 'out/main'), join(folder, 'out/main'), {
      recursive: true,
      filter: (path) => !path.endsWith('.map'),
    })
    for (const path of ['index.js', 'package.json', 'LICENSE.md', 'dist/linux-x64'])
      put(join('node_modules/webgpu', path))
    copyFileSync(process.execPath, join(folder, 'node'))
    const loader = ['/usr/lib/x86_64-linux-gnu/libvulkan.so.1', '/lib64/libvulkan.so.1'].find(existsSync)
    if (loader) copyFileSync(loader, join(folder, 'libvulkan.so.1'))
    const run =
      '#!/bin/sh\ncd "$(dirname "$0")"\nLD_LIBRARY_PATH="$PWD:$LD_LIBRARY_PATH" exec ./node test/bench/gpu.ts "$@"\n'
    writeFileSync(join(folder, 'run.sh'), run)
    for (const program of ['run.sh', 'node']) chmodSync(join(folder, program), 0o755)
    execFileSync('tar', ['-cJf', resolve(archive), '-C', folder, '.'])
    console.log(
      `${archive}: ${(statSync(archive).size / 1e6).toFixed(1)} MB${loader ? '' : ', without libvulkan.so.1, which is not here'}`,
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
