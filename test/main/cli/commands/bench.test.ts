/** `ghostsvd bench` as users start it: its shapes, dtypes and spectra, and processes of its own. What peers say needs their libraries: `bench --peers`. */
import { expect, it } from 'vitest'
import type { BenchReport } from '../../../../main/bench/bench.ts'
import { ghostsvd } from '../run.ts'

it('measures what it was asked for, in this process and in fresh ones', async () => {
  const flags = '--sizes 96x64 --dtype BF16 --spectra step,steep --ranks 8 --parts randomized --repeat 1 --fresh --json'
  const { status, stdout } = await ghostsvd(['bench', ...flags.split(' ')])
  expect(status).toBe(0)
  const { sizes, dtype, device } = JSON.parse(stdout) as BenchReport
  expect({ dtype, device }).toEqual({ dtype: 'BF16', device: null })
  expect(sizes).toMatchObject([{ rows: 96, cols: 64, products: [], exact: null }])
  expect(sizes[0]!.randomized.map(({ spectrum }) => spectrum)).toEqual(['step', 'steep'])
  for (const { ms, excess, fresh } of sizes[0]!.randomized) {
    expect(ms).toBeGreaterThan(0)
    expect(fresh!.ms).toBeGreaterThan(0)
    expect(excess).toBeGreaterThan(-1e-3)
  }
})

it.each([
  ['--sizes 1024x', /number/],
  ['--sizes 8x8x8', /number/],
  ['--spectra flat', /gaussian/],
])('refuses %s', async (flags, sentence) => {
  const { status, stderr } = await ghostsvd(['bench', ...flags.split(' ')])
  expect(status).toBe(2)
  expect(stderr).toMatch(sentence)
})
