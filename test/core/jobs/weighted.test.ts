/** Errors of outputs, held against f64 arithmetic and an SVD of its own: the short form of test/judge/weighted.py. */
import { Matrix, SVD } from 'ml-matrix'
import { describe, expect, it } from 'vitest'
import { decodeFloat64, encode } from '../../../core/formats/dtype.ts'
import { openWeightFile } from '../../../core/formats/opening/open.ts'
import { analyzeTensor } from '../../../core/jobs/analyze.ts'
import { compressFile } from '../../../core/jobs/compress.ts'
import { estimateRun } from '../../../core/jobs/estimate.ts'
import { planCompression } from '../../../core/jobs/plan.ts'
import { normalPair } from '../../../core/kernels/philox.ts'
import { referenceKernels } from '../../../core/kernels/reference.ts'
import { pivotedCholesky } from '../../../core/matrix/output-norm.ts'
import { defaultParams, type Params } from '../../../core/params.ts'
import { memoryFolder } from '../memory-folder.ts'
import { compressJob, openTensors, plain, type TestTensor, testContext } from './harness.ts'

const [rows, cols, rank] = [40, 32, 6]
const random = (key: number, height: number, width: number) =>
  new Matrix(
    Array.from({ length: height }, (_, i) => Array.from({ length: width }, (_, j) => normalPair([key, 7], i, j)[0])),
  )
const orthonormal = (key: number, height: number, width: number) =>
  new SVD(random(key, height, width)).leftSingularVectors.subMatrix(0, height - 1, 0, width - 1)

const spectra: Readonly<Record<string, (i: number) => number>> = {
  'i^-0.5': (i) => (i + 1) ** -0.5,
  'i^-1': (i) => 1 / (i + 1),
  'i^-2': (i) => (i + 1) ** -2,
  flat: () => 1,
  step: (i) => (i < 5 ? 1 : 0.05),
  exponential: (i) => 0.7 ** i,
}
function weightsOf(spectrum: (i: number) => number, m = rows, n = cols, key = 1): Matrix {
  const [U, V] = [orthonormal(key, m, Math.min(m, n)), orthonormal(key + 1, n, Math.min(m, n))]
  return U.mmul(Matrix.diag(Array.from({ length: Math.min(m, n) }, (_, i) => spectrum(i)))).mmul(V.transpose())
}

/** Inputs of very different sizes; `samples` fewer than inputs leave H singular. */
function inputs(n: number, samples: number, key = 11): Matrix {
  const scale = Matrix.diag(Array.from({ length: n }, (_, j) => 10 ** ((j % 5) / 2 - 1)))
  return random(key, samples, n)
    .mmul(
      random(key + 1, n, n)
        .mul(0.3)
        .add(Matrix.eye(n)),
    )
    .mmul(scale)
}
const samplesOf = { diagonal: 100, full: 100, singular: 12 } as const
type Kind = keyof typeof samplesOf

/** H as the product regularizes it, in f64. */
function moments(X: Matrix, kind: Kind): Matrix {
  const H = X.transpose().mmul(X).div(X.rows)
  const n = H.rows
  const mean = H.trace() / n
  if (kind !== 'diagonal') return H.add(Matrix.eye(n).mul(1e-3 * mean))
  return Matrix.diag(H.diag().map((value) => value + 0.01 * mean))
}
/** A root of H, of any kind: C Ct = H. */
function rootOf(H: Matrix): Matrix {
  const { leftSingularVectors: V, diagonal } = new SVD(H)
  return V.mmul(Matrix.diag(diagonal.map(Math.sqrt)))
}

function statisticsFor(name: string, X: Matrix, kind: Kind): TestTensor[] {
  const sum =
    kind === 'diagonal'
      ? [...Array(X.columns)].map((_, j) => X.getColumn(j).reduce((s, x) => s + x * x, 0))
      : X.transpose().mmul(X).to1DArray()
  const shape = kind === 'diagonal' ? [X.columns] : [X.columns, X.columns]
  return [
    plain(
      `${name}.${kind === 'diagonal' ? 'sum2' : 'gram'}`,
      'F64',
      shape,
      encode('F64', Float64Array.from(sum)).bytes,
    ),
    plain(`${name}.count`, 'F64', [], encode('F64', Float64Array.of(X.rows)).bytes),
  ]
}
const tensorOf = (name: string, W: Matrix, dtype: 'F32' | 'BF16' = 'F32') =>
  plain(name, dtype, [W.rows, W.columns], encode(dtype, Float64Array.from(W.to1DArray())).bytes)
const valuesOf = (tensor: TestTensor) =>
  Matrix.from1DArray(tensor.shape[0]!, tensor.shape[1]!, decodeFloat64(tensor.dtype as 'F32', tensor.bytes))

const norm = (M: Matrix) => M.norm('frobenius')
const near = (found: number, wanted: number, within: number) =>
  expect(Math.abs(found - wanted), `${found} and ${wanted}`).toBeLessThanOrEqual(within)

interface Run {
  readonly models: readonly TestTensor[]
  readonly statistics: readonly TestTensor[]
  readonly params: Partial<Params>
  readonly output?: 'factors' | 'dense' | 'aguf' | 'npz'
}
async function written({ models, statistics, params, output = 'factors' }: Run) {
  const files = { model: await openTensors(...models), statistics: await openTensors(...statistics) }
  const folder = memoryFolder('out')
  const job = compressJob(params, { include: ['*'], output })
  const report = await compressFile({ ...files, target: { folder, name: 'o.safetensors' } }, job, testContext())
  const file = await openWeightFile({ folder, entry: 'o.safetensors' })
  const matrix = async (name: string) => {
    const info = file.tensors.find((each) => each.name === name)!
    return Matrix.from1DArray(info.shape[0]!, info.shape[1]!, decodeFloat64(info.dtype as 'F32', await file.read(info)))
  }
  return { report, file, matrix, bytes: folder.files.get('o.safetensors')!.byteLength, files, job }
}
const reconstruct = async (from: Awaited<ReturnType<typeof written>>, name: string) =>
  (await from.matrix(`${name}.lowrank_B`)).mmul(await from.matrix(`${name}.lowrank_A`))

const cases = Object.entries(spectra).flatMap(([spectrum, s]) =>
  (['diagonal', 'full', 'singular'] as const).flatMap((kind) =>
    (['F32', 'BF16'] as const).flatMap((dtype) =>
      (['randomized', 'exact'] as const).map((method) => ({ spectrum, s, kind, dtype, method })),
    ),
  ),
)

describe('the weighted factorization', () => {
  it.each(cases)('of $spectrum in $dtype by $kind statistics, $method', async ({ s, kind, dtype, method }) => {
    const tensor = tensorOf('w', weightsOf(s), dtype)
    const W = valuesOf(tensor)
    const X = inputs(cols, samplesOf[kind])
    const statistics = statisticsFor('w', X, kind)
    const params = { rank, method, nIter: 4, factorDType: 'F32' } as const
    const output = await written({ models: [tensor], statistics, params })
    const C = rootOf(moments(X, kind))
    const WC = W.mmul(C)
    const { diagonal, leftSingularVectors } = new SVD(WC)
    const floor = Math.sqrt(diagonal.slice(rank).reduceRight((sum, v) => sum + v * v, 0)) / norm(WC)
    const What = await reconstruct(output, 'w')
    const error = norm(W.clone().sub(What).mmul(C)) / norm(WC)
    const outcome = output.report.tensors[0]!
    near(outcome.relativeError!, error, 1e-5)
    near(outcome.weightError!, norm(W.clone().sub(What)) / norm(W), 1e-5)
    expect(error).toBeGreaterThanOrEqual(floor * (1 - 1e-5) - 1e-7)
    // B spans what is kept of W, and A is all of W there: B A = P W.
    const Q = new SVD(await output.matrix('w.lowrank_B')).leftSingularVectors.subMatrix(0, rows - 1, 0, rank - 1)
    near(norm(Q.mmul(Q.transpose()).mmul(W).sub(What)) / norm(W), 0, 1e-5)
    if (method === 'exact') {
      near(error, floor, 1e-5)
      const U = leftSingularVectors.subMatrix(0, rows - 1, 0, rank - 1)
      const best = U.mmul(U.transpose()).mmul(W)
      // Where values are equal at the cut, any of their directions will do.
      if (diagonal[rank - 1]! > 1.001 * diagonal[rank]!)
        near(norm(best.sub(What)) / norm(W), 0, 1e-5 * (diagonal[0]! / (diagonal[rank - 1]! - diagonal[rank]!)))
    }
    const analysis = await analyzeTensor(
      output.files,
      {
        kind: 'analyze',
        files: { model: 'm' },
        tensor: 'w',
        params: { ...defaultParams, ...params },
        repeat: 0,
        reuse: false,
      },
      testContext(),
    )
    near(analysis.relativeError, error, 1e-5)
    near(analysis.frobeniusNorm / norm(WC), 1, 1e-6)
    near(analysis.outputs!.weightError, outcome.weightError!, 1e-5)
    expect(analysis.noiseError).toBeNull()
  })

  it('weighs rows where a matrix has its inputs there', async () => {
    const tensor = tensorOf('w', weightsOf(spectra['i^-1']!))
    const W = valuesOf(tensor)
    for (const kind of ['diagonal', 'full', 'singular'] as const)
      for (const method of ['randomized', 'exact'] as const) {
        const X = inputs(rows, samplesOf[kind])
        const output = await written({
          models: [tensor],
          statistics: statisticsFor('w', X, kind),
          params: { rank, method, nIter: 4, factorDType: 'F32' },
        })
        const C = rootOf(moments(X, kind))
        const What = await reconstruct(output, 'w')
        const CtW = C.transpose().mmul(W)
        const error = norm(C.transpose().mmul(W.clone().sub(What))) / norm(CtW)
        near(output.report.tensors[0]!.relativeError!, error, 1e-5)
        const floor = Math.sqrt(new SVD(CtW).diagonal.slice(rank).reduce((sum, v) => sum + v * v, 0)) / norm(CtW)
        near(error, floor, method === 'exact' ? 1e-5 : 0.02 * floor)
      }
  })

  it.each([
    ['INT8 factors', { factorDType: 'INT8', int8Always: true }, 'factors'],
    ['U, S and Vt in BF16', { factorDType: 'BF16', factorLayout: 'usv' }, 'factors'],
    ['a sparse part', { sparseDensity: 0.02, factorDType: 'F32' }, 'factors'],
    ['a dense copy', { factorDType: 'BF16' }, 'dense'],
    ['a dense copy with a sparse part', { sparseDensity: 0.02, factorDType: 'F32' }, 'dense'],
  ] as const)('is measured as written: %s', async (_, params, output) => {
    const tensor = tensorOf('w', weightsOf(spectra['i^-1']!))
    const W = valuesOf(tensor)
    for (const [kind, n] of [
      ['diagonal', cols],
      ['full', cols],
      ['diagonal', rows],
      ['full', rows],
    ] as const) {
      const X = inputs(n, samplesOf[kind])
      const run = await written({
        models: [tensor],
        statistics: statisticsFor('w', X, kind),
        params: { rank, method: 'exact', ...params },
        output,
      })
      const What = await storedMatrix(run, output)
      const C = rootOf(moments(X, kind))
      const weigh = (M: Matrix) => (n === cols ? M.mmul(C) : C.transpose().mmul(M))
      const error = norm(weigh(W.clone().sub(What))) / norm(weigh(W))
      const outcome = run.report.tensors[0]!
      near(outcome.relativeError!, error, 1e-5)
      near(outcome.weightError!, norm(W.clone().sub(What)) / norm(W), 1e-5)
      const { truncation, rounding, sparseGain } = outcome.split!
      // Squares add up but for chance.
      near(truncation ** 2 + rounding ** 2 - sparseGain ** 2, error ** 2, 0.25 * rounding ** 2 + 0.02 * error ** 2)
    }
  })
})

async function storedMatrix(run: Awaited<ReturnType<typeof written>>, output: string): Promise<Matrix> {
  if (output === 'dense') return run.matrix('w')
  const has = (suffix: string) => run.file.tensors.some(({ name }) => name === `w.${suffix}`)
  const raw = async (suffix: string) => {
    const info = run.file.tensors.find(({ name }) => name === `w.${suffix}`)!
    return { info, bytes: await run.file.read(info) }
  }
  let What: Matrix
  if (has('U')) {
    const S = decodeFloat64('F32', (await raw('S')).bytes)
    What = (await run.matrix('w.U')).mmul(Matrix.diag([...S])).mmul(await run.matrix('w.Vt'))
  } else if (has('lowrank_A_scale')) {
    const factor = async (side: 'A' | 'B') => {
      const { info, bytes } = await raw(`lowrank_${side}`)
      const codes = Matrix.from1DArray(info.shape[0]!, info.shape[1]!, [
        ...new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      ])
      const scale = await run.matrix(`w.lowrank_${side}_scale`)
      return codes.mul(
        scale.rows === 1 ? Matrix.ones(codes.rows, 1).mmul(scale) : scale.mmul(Matrix.ones(1, codes.columns)),
      )
    }
    What = (await factor('B')).mmul(await factor('A'))
  } else What = await reconstruct(run, 'w')
  if (!has('sparse_index')) return What
  const index = new BigInt64Array((await raw('sparse_index')).bytes.slice().buffer)
  const value = new Float32Array((await raw('sparse_value')).bytes.slice().buffer)
  for (const [i, at] of index.entries()) {
    const [r, c] = [Math.floor(Number(at) / cols), Number(at) % cols]
    What.set(r, c, What.get(r, c) + value[i]!)
  }
  return What
}

/** Four layers; inputs of two of them are all but one direction. */
function model() {
  const names = ['a', 'b', 'c', 'd']
  const models = names.map((name, i) => tensorOf(name, weightsOf(Object.values(spectra)[i]!, 96, 80, 20 + 2 * i)))
  const data = names.map((_, i) => {
    const X = inputs(80, 120, 40 + 2 * i)
    if (i % 2 === 0)
      for (let r = 0; r < X.rows; r++) for (let c = 8; c < X.columns; c++) X.set(r, c, 0.01 * X.get(r, c))
    return X
  })
  const statistics = names.flatMap((name, i) => statisticsFor(name, data[i]!, i < 2 ? 'full' : 'diagonal'))
  const roots = data.map((X, i) => rootOf(moments(X, i < 2 ? 'full' : 'diagonal')))
  return { names, models, statistics, roots }
}

describe('a model', () => {
  it.each([
    ['a rank', { rank: 12 }],
    ['a size', { goalSize: 0.4, minRank: 1 }],
    ['an error', { goalError: 0.2 }],
    ['an error of the model', { goalError: 0.2, goalScope: 'model' }],
    ['INT8', { goalSize: 0.4, factorDType: 'INT8', minRank: 1 }],
    ['BF16', { goalError: 0.05, factorDType: 'BF16' }],
  ] as const)('is planned as it is written, for %s', async (_, params) => {
    const { models, statistics, names, roots } = model()
    const run = await written({ models, statistics, params: { maxRank: 80, ...params } })
    const plan = await planCompression(
      run.files,
      {
        kind: 'plan',
        files: { model: 'm' },
        output: 'factors',
        params: run.job.params,
        include: ['*'],
        exclude: [],
        knownCurves: true,
      },
      testContext(),
    )
    expect(plan.bytesAfter).toBe(run.bytes)
    expect(run.report.plannedBytes).toBe(run.bytes)
    if ('goalSize' in params) expect(run.bytes).toBeLessThanOrEqual(0.4 * run.files.model.totalBytes)
    for (const [i, name] of names.entries()) {
      const [planned, outcome] = [plan.tensors, run.report.tensors].map(
        (all) => all.find((each) => each.name === name)!,
      )
      expect(planned!.rank).toBe(outcome!.rank)
      if (outcome!.rank === null) continue
      near(planned!.relativeError!, outcome!.relativeError!, 0.02 * outcome!.relativeError! + 1e-4)
      // Planned before anything is rounded.
      if (!('factorDType' in params))
        near(planned!.weightError!, outcome!.weightError!, 0.02 * outcome!.weightError! + 1e-3)
      if ('goalError' in params && !('goalScope' in params))
        expect(outcome!.relativeError!).toBeLessThanOrEqual(params.goalError)
      if (params && !('factorDType' in params)) {
        const W = valuesOf(models[i]!)
        near(
          outcome!.relativeError!,
          norm(
            W.clone()
              .sub(await reconstruct(run, name))
              .mmul(roots[i]!),
          ) / norm(W.mmul(roots[i]!)),
          1e-5,
        )
      }
    }
    expect(run.report.statistics).toMatchObject({ covered: 4, total: 4, borrowed: 0 })
    expect(plan.statistics!.hash).toBe(run.report.statistics!.hash)
  })

  it('has less error in its outputs, at the same bytes, where ranks are shared out by that', async () => {
    const { models, statistics, names, roots } = model()
    const errorOf = async (run: Awaited<ReturnType<typeof written>>) => {
      let sum = 0
      for (const [i, name] of names.entries()) {
        const W = valuesOf(models[i]!)
        const isKept = run.file.tensors.some((each) => each.name === name)
        if (!isKept)
          sum +=
            (norm(
              W.clone()
                .sub(await reconstruct(run, name))
                .mmul(roots[i]!),
            ) /
              norm(W.mmul(roots[i]!))) **
            2
      }
      return sum
    }
    const params = { goalSize: 0.4, maxRank: 80, minRank: 1 }
    const weighted = await written({ models, statistics, params })
    // The ranks that errors of weights would have chosen, with factors that are the best there are in outputs.
    const bare = { ...testContext() }
    const byWeights = await planCompression(
      { model: weighted.files.model },
      {
        kind: 'plan',
        files: { model: 'm' },
        output: 'factors',
        params: weighted.job.params,
        include: ['*'],
        exclude: [],
        knownCurves: true,
      },
      bare,
    )
    const pins = byWeights.tensors.flatMap(({ name, rank }) => (rank === null ? [] : [{ match: name, rank }]))
    const files = { ...weighted.files, target: { folder: memoryFolder('o'), name: 'p.safetensors' } }
    await compressFile(files, compressJob({}, { include: pins.map(({ match }) => match), pins }), testContext())
    const pinned = await openWeightFile({ folder: files.target.folder, entry: 'p.safetensors' })
    const asRun = {
      ...weighted,
      file: pinned,
      matrix: async (name: string) => {
        const info = pinned.tensors.find((each) => each.name === name)!
        return Matrix.from1DArray(info.shape[0]!, info.shape[1]!, decodeFloat64('F32', await pinned.read(info)))
      },
    }
    expect(await errorOf(weighted)).toBeLessThan(await errorOf(asRun))
  })

  it('may be covered in part, and then has no absolute goal', async () => {
    const { models, statistics } = model()
    const some = statistics.filter(({ name }) => !name.startsWith('a.'))
    const run = await written({ models, statistics: some, params: { rank: 8 } })
    expect(run.report.statistics).toMatchObject({ covered: 3, total: 4 })
    expect(run.report.absoluteError).toBeNull()
    const bare = run.report.tensors.find(({ name }) => name === 'a')!
    expect(bare.weightError).toBeUndefined()
    expect(run.report.notices.map(({ key }) => key)).toContain('statistics.coverage')
    await expect(written({ models, statistics: some, params: { goalSize: 0.4, goalWeight: 'norm' } })).rejects.toThrow(
      '1 matrices to be factorized have no statistics ("a")',
    )
    const whole = await written({ models, statistics, params: { goalSize: 0.4, goalWeight: 'norm', minRank: 1 } })
    expect(whole.report.absoluteError!).toBeGreaterThan(0)
  })

  it('is estimated', async () => {
    const { models, statistics } = model()
    const files = { model: await openTensors(...models), statistics: await openTensors(...statistics) }
    const { params } = compressJob({ rank: 8 })
    const report = await estimateRun(
      files,
      { kind: 'estimate', files: { model: 'm' }, output: 'factors', params, include: ['*'], exclude: [], parts: 1 },
      testContext(),
    )
    expect(report.seconds).toBeGreaterThan(0)
    expect(report.notices.map(({ key }) => key)).toContain('statistics.coverage')
  })
})

describe('a recipe', () => {
  it('names its statistics, and is refused without them or with others', async () => {
    const { models, statistics } = model()
    const run = await written({ models, statistics, params: { rank: 8 } })
    const hash = run.report.statistics!.hash
    const target = { folder: memoryFolder('o'), name: 'o.safetensors' }
    const job = compressJob({ rank: 8 }, { include: ['*'], statistics: hash })
    await expect(compressFile({ model: run.files.model, target }, job, testContext())).rejects.toThrow(
      'name their file with --statistics',
    )
    const others = await openTensors(...statistics.slice(0, 2))
    await expect(
      compressFile({ model: run.files.model, statistics: others, target }, job, testContext()),
    ).rejects.toThrow('weighs errors by other statistics')
    await compressFile({ ...run.files, target }, job, testContext())
    expect(target.folder.files.get('o.safetensors')).toEqual((await again(run)).files.get('o.safetensors'))
    const bare = memoryFolder('bare')
    await compressFile(
      { model: run.files.model, target: { folder: bare, name: 'o' } },
      compressJob({ rank: 8 }, { include: ['*'] }),
      testContext(),
    )
    const recipe = async (folder: typeof bare, name: string) =>
      (await openWeightFile({ folder, entry: name })).metadata.get('ghostsvd.recipe')
    expect(await recipe(bare, 'o')).not.toBe(await recipe(target.folder, 'o.safetensors'))
  })
})

async function again({ files, job }: Awaited<ReturnType<typeof written>>) {
  const folder = memoryFolder('again')
  await compressFile({ ...files, target: { folder, name: 'o.safetensors' } }, job, testContext())
  return folder
}

describe('a Cholesky factor', () => {
  it('of a singular matrix is found with pivots', () => {
    const n = 20
    const X = random(3, 7, n)
    const H = X.transpose().mmul(X)
    const C = Matrix.from1DArray(n, n, pivotedCholesky(Float64Array.from(H.to1DArray()), n))
    // Higham, Theorem 10.14: the rounding of rank-many steps.
    expect(norm(C.mmul(C.transpose()).sub(H))).toBeLessThan(n ** 2 * 2 ** -52 * norm(H))
    expect(norm(C.subMatrix(0, n - 1, 7, n - 1))).toBe(0)
  })

  it('is what the kernels find', () => {
    const n = 30
    const X = inputs(n, 60)
    const H = X.transpose().mmul(X)
    const G = Float64Array.from(H.to1DArray())
    expect(referenceKernels().cholesky(G, n)).toBe(true)
    const L = Matrix.from1DArray(n, n, G)
    for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) L.set(i, j, 0)
    expect(norm(L.mmul(L.transpose()).sub(H))).toBeLessThan(n ** 2 * 2 ** -52 * norm(H))
    expect(referenceKernels().cholesky(new Float64Array(4), 2)).toBe(false)
  })
})
