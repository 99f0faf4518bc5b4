/** The command line end to end: exit statuses, one object under --json, and an independent judge of what was written. */
import { execFileSync } from 'node:child_process'
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type CompressionReport, type Run, recipeOf } from '../../../core/contract.ts'
import { encode } from '../../../core/formats/dtype.ts'
import { safetensorsHeader } from '../../../core/formats/safetensors.ts'
import { takeHold } from '../../../main/files/hold.ts'
import { fileBytes, plain } from '../../core/jobs/harness.ts'
import { python, pythonHas } from '../../python.ts'
import { can } from '../../system.ts'
import { ghostsvd, temporaryFolder } from './run.ts'

const judge = resolve(import.meta.dirname, '../../judge/factors.py')

let folder: string
let model: string
beforeAll(async () => {
  folder = await temporaryFolder()
  process.env.GHOSTSVD_CONFIG = join(folder, 'config')
  model = join(folder, 'model.safetensors')
  await ghostsvd(['sample', model, '--layers', '1', '--hidden', '64'])
})

it('escapes under --json what a terminal acts on, and says the same', async () => {
  const names = ['\u009b2J', '\u202egnp', 'a\ufeff\u2028', '\u{e0041}', 'é 😀']
  const path = join(folder, 'names.safetensors')
  await writeFile(path, fileBytes(names.map((name) => plain(name, 'F32', [1], new Uint8Array(4)))))
  const { stdout } = await ghostsvd(['inspect', path, '--json'])
  expect(stdout.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}\u2028]/u)
  const { tensors } = JSON.parse(stdout) as { tensors: { name: string }[] }
  expect(tensors.map(({ name }) => name)).toEqual(names)
})

async function json(...args: string[]): Promise<Record<string, unknown>> {
  const { status, stdout, stderr } = await ghostsvd([...args, '--json'])
  expect(status, stderr).toBe(0)
  return JSON.parse(stdout) as Record<string, unknown>
}

const compress = async (name: string, ...args: string[]): Promise<CompressionReport> => {
  const report = await json('compress', model, '--out', join(folder, name), '--rank', '8', ...args)
  return report as unknown as CompressionReport
}

describe('ghostsvd', () => {
  it('prints one object with the fixed fields', async () => {
    const inspected = await json('inspect', model)
    expect(Object.keys(inspected)).toEqual(expect.arrayContaining(['format', 'totalBytes', 'tensors']))
    const tensor = 'model.layers.0.mlp.up_proj.weight'
    const analyzed = await json('analyze', model, '--tensor', tensor, '--rank', '8', '--repeat', '2')
    expect(analyzed).toMatchObject({ tensor, matrix: [256, 64], rank: 8, nIter: 2, seed: 42 })
    expect(analyzed.errorCurve).toHaveLength(9)
    expect(analyzed.computeMs).toHaveLength(2)
    const compared = await json('compare', model, '--tensor', tensor, '--rank', '8')
    for (const key of ['exact', 'randomized', 'floor', 'excess', 'singularValueError', 'speedup'])
      expect(compared).toHaveProperty(key)
  })

  it('gives the same bytes for one thread and two, and with a recipe', async () => {
    const recipe = join(folder, 'recipe.json')
    await compress('two.safetensors', '--threads', '2', '--save-recipe', recipe, '--method', 'randomized')
    await compress('one.safetensors', '--threads', '1', '--method', 'randomized')
    await json('compress', model, '--recipe', recipe, '--out', join(folder, 'again.safetensors'))
    const [two, one, again] = await Promise.all(
      ['two', 'one', 'again'].map((name) => readFile(join(folder, `${name}.safetensors`))),
    )
    expect(one!.equals(two!)).toBe(true)
    expect(again!.equals(two!)).toBe(true)
  })

  it('plans what it then writes, and knows it the next time', async () => {
    const request = ['--goal-error', '0.3', '--factor-dtype', 'F16']
    const plan = await json('plan', model, ...request)
    const written = await compress('planned.safetensors', ...request)
    expect(written).toMatchObject({ bytesAfter: plan.bytesAfter, plannedBytes: plan.bytesAfter })
    const again = await json('plan', model, '--goal-size', '80%')
    expect(again.analyzed).toBe(0)
    const { stdout } = await ghostsvd(['plan', model, '--rank', '8', '--factor-dtype', 'INT8'])
    expect(stdout).toContain('INT8 adds')
  })

  it('merges parts to the bytes of one run', async () => {
    await compress('whole.safetensors')
    for (const i of [1, 2]) await compress(`part${i}.safetensors`, '--part', `${i}/2`)
    const parts = [1, 2].map((i) => join(folder, `part${i}.safetensors`))
    await json('merge', ...parts, '--out', join(folder, 'merged.safetensors'))
    const [merged, whole] = await Promise.all(
      ['merged', 'whole'].map((name) => readFile(join(folder, `${name}.safetensors`))),
    )
    expect(merged!.equals(whole!)).toBe(true)
  })

  it('ends with 1 and a sentence, 2 for wrong usage', async () => {
    const broken = join(folder, 'broken.safetensors')
    await writeFile(broken, new Uint8Array(5))
    const failed = await ghostsvd(['inspect', broken, '--json'])
    expect(failed.status).toBe(1)
    expect(failed.stderr.trim().split('\n')).toHaveLength(1)
    expect(JSON.parse(failed.stdout)).toEqual({ code: 'bad-file', message: failed.stderr.trim() })

    expect((await ghostsvd(['compress', model])).status).toBe(2)
    expect((await ghostsvd(['compress', model, '--out', 'x', '--rank', 'many'])).status).toBe(2)
    expect((await ghostsvd(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  it.runIf(can.posix)('ends with 130 after Ctrl+C, with nothing half-written', async () => {
    const big = join(folder, 'big.safetensors')
    const cancelled = await ghostsvd(['sample', big, '--layers', '64', '--hidden', '1024'], { interruptAfterMs: 1500 })
    expect(cancelled).toMatchObject({ status: 130, stdout: '' })
    expect((await readdir(folder)).filter((name) => name.startsWith('big'))).toEqual([])
  })

  it('lists its runs: what was written, what failed and why', async () => {
    process.env.GHOSTSVD_CONFIG = join(folder, 'another')
    expect((await ghostsvd(['history'])).stdout).toBe('No run yet.\n')
    const report = await compress('listed.safetensors')
    const again = ['compress', model, '--out', join(folder, 'listed.safetensors')]
    expect((await ghostsvd(again)).status).toBe(1)
    const { runs } = (await json('history')) as { runs: Record<string, unknown>[] }
    const { tensors: _, ...result } = report
    expect(runs).toMatchObject([
      {
        state: 'failed',
        error: { code: 'would-overwrite', message: expect.stringContaining('exists already') },
        result: null,
      },
      { state: 'finished', sourceName: 'model.safetensors', target: 'listed.safetensors', result, error: null },
    ])
    const { stdout } = await ghostsvd(['history'])
    expect(stdout).toContain(join(folder, 'listed.safetensors'))
    expect(stdout).toMatch(/failed .*exists already/)
    process.env.GHOSTSVD_CONFIG = join(folder, 'config')
  })

  it('prints an array of a folder of adapters, also of one', async () => {
    const adapters = join(folder, 'adapters')
    await mkdir(adapters)
    const module = 'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q'
    const values = (count: number) =>
      encode(
        'F32',
        Float64Array.from({ length: count }, (_, i) => Math.sin(i)),
      ).bytes
    const tensors = [
      plain(`${module}.lora_down.weight`, 'F32', [4, 64], values(256)),
      plain(`${module}.lora_up.weight`, 'F32', [64, 4], values(256)),
    ]
    await writeFile(join(adapters, 'one.safetensors'), fileBytes(tensors))
    for (const [command, ...options] of [
      ['convert', '--to', 'kohya'],
      ['resize', '--rank', '2'],
    ]) {
      const found = await json(command!, adapters, '--out', join(folder, `adapters-${command}`), ...options)
      expect(found).toMatchObject([{ output: 'one.safetensors' }])
    }
  })

  it('names statistics of inputs wherever it says how to make the same bytes again', async () => {
    const statistics = join(folder, 'statistics.safetensors')
    const name = 'model.layers.0.mlp.up_proj.weight'
    const squares = Float64Array.from({ length: 64 }, (_, i) => i + 1)
    const sums = [
      plain(`${name}.sum2`, 'F64', [64], encode('F64', squares).bytes),
      plain(`${name}.count`, 'F64', [], encode('F64', Float64Array.of(9)).bytes),
    ]
    await writeFile(statistics, fileBytes(sums))
    const at = (file: string) => join(folder, `weighed.${file}`)
    const weighed = ['--statistics', statistics, '--report-html', at('html'), '--save-recipe', at('json'), '--resume']
    const report = await compress('weighed.safetensors', ...weighed)
    const { hash } = report.statistics!
    // The second run finds the first one's output.
    for (const weightError of [expect.any(Number), null]) {
      const again = weightError === null ? await compress('weighed.safetensors', ...weighed) : report
      expect(again.statistics).toMatchObject({ hash, weightError })
      expect(JSON.parse(await readFile(at('json'), 'utf8'))).toMatchObject({ statistics: hash })
      const html = await readFile(at('html'), 'utf8')
      expect(html).toContain('--statistics statistics.safetensors')
      expect(html).toContain(`statistics&quot;: &quot;${hash}`)
    }
    const { runs } = (await json('history')) as unknown as { runs: Run[] }
    expect(recipeOf(runs[0]!)).toMatchObject({ statistics: hash })
    // Cut short before anybody knew which they are: no recipe is better than one of other bytes.
    expect(recipeOf({ ...runs[0]!, result: null })).toBeNull()
    await json('plan', model, '--rank', '8', '--statistics', statistics, '--report-html', at('plan.html'))
    expect(await readFile(at('plan.html'), 'utf8')).toContain(hash)
  })

  it('never writes over its source, and over another file only with --force', async () => {
    const source = join(folder, 'source.safetensors')
    await copyFile(model, source)
    for (const force of [[], ['--force']]) {
      const { status, stderr } = await ghostsvd(['compress', source, '--out', source, ...force])
      expect(status, stderr).toBe(1)
    }
    expect((await readFile(source)).equals(await readFile(model))).toBe(true)
    await compress('there.safetensors')
    expect((await ghostsvd(['compress', model, '--out', join(folder, 'there.safetensors')])).status).toBe(1)
    await compress('there.safetensors', '--force')
  })

  it('fills an empty folder with an output that is one, and no other', async () => {
    const shards = join(folder, 'shards')
    await mkdir(shards)
    const names = ['m-00001-of-00002.safetensors', 'm-00002-of-00002.safetensors'] as const
    await copyFile(model, join(shards, names[0]))
    const last = safetensorsHeader([{ name: 'last', dtype: 'F32', shape: [2] }])
    await writeFile(join(shards, names[1]), Buffer.concat([last, new Uint8Array(8)]))
    const run = (source: string, name: string, output: string) =>
      ghostsvd(['compress', source, '--rank', '8', '--out', join(folder, name), '--output', output])
    await mkdir(join(folder, 'empty'))
    expect((await run(shards, 'empty', 'dense')).status).toBe(0)
    expect((await readdir(join(folder, 'empty'))).sort()).toEqual([...names, 'model.safetensors.index.json'])
    await mkdir(join(folder, 'still-empty'))
    await writeFile(join(folder, 'a-file'), '')
    for (const [source, name, output] of [
      [shards, 'empty', 'dense'],
      [model, 'still-empty', 'factors'],
      [shards, 'a-file', 'dense'],
    ] as const) {
      const { status, stderr } = await run(source, name, output)
      expect(status).toBe(1)
      expect(stderr).toBe(`${name} exists already. Choose another name, or overwrite it with --force.\n`)
    }
  })

  it('writes no adapters, and says why', async () => {
    const run = await ghostsvd(['compress', model, '--out', join(folder, 'lora'), '--output', 'peft'])
    expect(run.status).not.toBe(0)
    expect(run.stderr).toMatch(
      /An adapter holds a difference.*PEFT adapters are not written any more. Choose factors, dense, npz/,
    )
    const recipe = join(folder, 'kohya.json')
    await writeFile(recipe, JSON.stringify({ recipe: 1, output: 'kohya', params: {}, include: [], exclude: [] }))
    const replayed = await ghostsvd(['plan', model, '--recipe', recipe])
    expect(replayed.status).toBe(1)
    expect(replayed.stderr).toMatch(/kohya LoRAs are not written any more/)
  })
})

describe('a run that finds another one at its name', () => {
  it('is refused while that one lives, whichever history it is in, and goes on when it has ended', async () => {
    const out = join(folder, 'held.safetensors')
    const args = ['compress', model, '--out', out, '--rank', '8', '--resume']
    const hold = await takeHold(out)
    const refused = await ghostsvd(args)
    expect(refused.status).not.toBe(0)
    expect(refused.stderr).toContain(
      'held.safetensors is being written by another run. Wait for it, or choose another name.',
    )
    await hold.release()
    expect((await ghostsvd(args)).status).toBe(0)
    expect((await readdir(folder)).filter((name) => name.startsWith('held'))).toEqual(['held.safetensors'])
  })
})

describe.runIf(pythonHas('numpy'))('the independent judge', () => {
  it.each([
    ['factors', []],
    ['INT8', ['--factor-dtype', 'INT8']],
    ['a sparse part', ['--sparse-density', '0.01']],
    ['BF16', ['--factor-dtype', 'BF16']],
    ['U, S and Vt', ['--factor-layout', 'usv']],
    ['an error goal', ['--goal-error', '0.4', '--method', 'exact']],
  ])('agrees with every reported error: %s', async (name, flags) => {
    const output = `${name.replaceAll(/\W/g, '')}.safetensors`
    const report = await compress(output, ...flags)
    // Ends with another status than 0 for an error above 1 or below the floor, and throws here.
    const text = execFileSync(python, [judge, model, join(folder, output), '--json'], { encoding: 'utf8' })
    const judged = new Map(
      (JSON.parse(text) as { tensors: { name: string; what: string; error?: number }[] }).tensors.map((each) => [
        each.name,
        each,
      ]),
    )
    for (const outcome of report.tensors) {
      const { what, error = 0 } = judged.get(outcome.name)!
      expect(what).toBe(outcome.action === 'kept' ? 'kept' : 'factors')
      expect(Math.abs(outcome.relativeError! - error), outcome.name).toBeLessThan(1e-5)
    }
    expect(report.tensors.some(({ action }) => action === 'factorized')).toBe(true)
  })
})
