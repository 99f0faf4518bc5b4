import { appendFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { it } from 'vitest'
import { newControl } from '../core/kernels/control.ts'
import { createWasmKernels } from '../core/kernels/wasm.ts'
import { defaultParams, fitParams } from '../core/params.ts'
import { factorize } from '../core/svd/factorize.ts'
import { residentOperand } from '../core/svd/operand.ts'

it('cost', async () => {
  const kernels = await createWasmKernels({
    threads: 1,
    choice: 'auto',
    control: newControl(),
    spawn: () => {
      throw new Error('no')
    },
    enableRevectorizer: () => setFlagsFromString('--experimental-wasm-revectorize'),
  })
  const say = (t: string) => appendFileSync('/tmp/plan-cost.txt', t + '\n')
  say(kernels.info.kernel)
  for (const [rows, cols, ranks] of [
    [1024, 1024, [32, 128, 512]],
    [2048, 2048, [64, 128, 512]],
    [4096, 1024, [64, 256]],
    [1024, 4096, [256]],
    [8192, 2048, [64, 512]],
    [2048, 8192, [512]],
    [3072, 3072, [768]],
    [4096, 4096, [128, 512]],
  ] as [number, number, number[]][]) {
    const mark = kernels.mark()
    const data = kernels.allocateFloat32(rows * cols)
    kernels.gaussian([1, 2], { rows, cols, data })
    const operand = residentOperand(kernels, {
      rows,
      cols,
      dtype: 'F32',
      data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      scale: 1,
    })
    for (const rank of ranks) {
      const times: Record<string, number[]> = { exact: [], randomized: [] }
      const phases: Record<string, Record<string, number>> = {}
      for (let i = 0; i < 3; i++)
        for (const method of ['exact', 'randomized'] as const) {
          if (method === 'exact' && rows * cols > 4e6 && rank !== ranks[0] && rank !== ranks.at(-1)) continue
          const params = fitParams({ ...defaultParams, rank, method }, rows, cols)
          const cpu: Record<string, number> = {}
          let last = process.cpuUsage()
          const start = last
          await factorize(kernels, operand, params, [3, 4], {
            phase: (name) => {
              const now = process.cpuUsage()
              cpu[name] = (cpu[name] ?? 0) + (now.user - last.user + now.system - last.system) / 1000
              last = now
            },
            checkCancelled() {},
          })
          const end = process.cpuUsage(start)
          times[method]!.push((end.user + end.system) / 1000)
          phases[method] = cpu
        }
      const med = (x: number[]) => x.slice(1).sort((a, b) => a - b)[0] ?? NaN
      say(JSON.stringify([rows, cols, rank, Math.round(med(times.exact!)), Math.round(med(times.randomized!)), phases]))
    }
    kernels.release(mark)
  }
}, 1e7)
