/**
 * The Python snippets do what they say: run by Python on files that were written, they give back the weights. numpy and torch are the
 * machine's; the package safetensors is a reader of our own by the specification (test/core/report/safetensors).
 */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Recipe, TensorOutcome } from '../../../core/contract.ts'
import { compressFile } from '../../../core/jobs/compress.ts'
import { defaultParams, type Params } from '../../../core/params.ts'
import { pythonSnippet, verificationSnippet } from '../../../core/report/python.ts'
import { styleIds } from '../../../core/styles.ts'
import { python, pythonHas } from '../../python.ts'
import { compressJob, fileBytes, openTensors, plain, testContext, weights } from '../jobs/harness.ts'
import { memoryFolder } from '../memory-folder.ts'

const recipe = (output: Recipe['output'], params: Partial<Params> = {}): Recipe => ({
  recipe: 1,
  output,
  params: { ...defaultParams, rank: 8, ...params },
  include: [],
  exclude: [],
})

test('a snippet names only what its output holds', () => {
  const plainFactors = pythonSnippet({ recipe: recipe('factors'), target: 'x.safetensors', files: 1 })
  expect(plainFactors).toContain('B @ A')
  expect(plainFactors).not.toMatch(/scale|sparse|Vt/)
  const everything = recipe('factors', { factorDType: 'INT8', sparseDensity: 0.01 })
  expect(pythonSnippet({ recipe: everything, target: 'x', files: 1 })).toMatch(/lowrank_A_scale[\s\S]*sparse_index/)
})

test.runIf(pythonHas())('Python understands every line, whatever the file is called', () => {
  const target = 'a "name" \\ of ä.safetensors'
  const snippets = styleIds.flatMap((output) =>
    [1, 2].map((files) => pythonSnippet({ recipe: recipe(output), target, files })),
  )
  const script = 'import ast, json, sys\nfor text in json.load(sys.stdin): ast.parse(text)'
  execFileSync(python, ['-c', script], { input: JSON.stringify(snippets) })
})

test('what is verified has the names of its source', () => {
  const made = { recipe: recipe('factors'), target: 'x.safetensors', files: 1, worst: null, modelError: null }
  expect(verificationSnippet({ ...made, source: 'model.gguf' })).toBeNull()
  expect(verificationSnippet({ ...made, source: 'model-00001-of-00002.safetensors' })).toBeNull()
  expect(verificationSnippet({ ...made, recipe: recipe('aguf'), source: 'model.safetensors' })).toBeNull()
})

test('a name out of a file runs nothing', () => {
  const name = "w\nimport os; os.system('id')\r#\u2028"
  const made = {
    recipe: recipe('factors'),
    target: `a\n${name}`,
    files: 1,
    worst: { name, error: 0.5 },
    modelError: 0.5,
  }
  for (const text of [pythonSnippet(made), verificationSnippet({ ...made, source: `${name}.safetensors` })!])
    expect(text.split(/[\n\r\u2028]/).filter((line) => /^(import os|#$)/.test(line))).toEqual([])
})

const cases = {
  'plain.safetensors': recipe('factors'),
  'half.safetensors': recipe('factors', { factorDType: 'BF16' }),
  'usv.safetensors': recipe('factors', { factorLayout: 'usv' }),
  'int8 and sparse.safetensors': recipe('factors', { factorDType: 'INT8', int8Always: true, sparseDensity: 0.01 }),
  'int8 where it pays.safetensors': recipe('factors', { factorDType: 'INT8' }),
  'dense.safetensors': recipe('dense'),
  'plain.npz': recipe('npz'),
  'int8.npz': recipe('npz', { factorDType: 'INT8', int8Always: true, sparseDensity: 0.01 }),
  'usv.npz': recipe('npz', { factorLayout: 'usv' }),
  'plain.aguf': recipe('aguf'),
  'int8 and sparse.aguf': recipe('aguf', { factorDType: 'INT8', int8Always: true, sparseDensity: 0.01 }),
} as const
const targets = Object.keys(cases) as (keyof typeof cases)[]

/** Runs each snippet and holds the weights it leaves, by their names there, against the source. */
const judge = `
import contextlib, io, json, sys, numpy
from safetensors.torch import load_file
sources = load_file("model.safetensors")
def error(W, V):
    W, V = (numpy.asarray(X, dtype=numpy.float64).ravel() for X in (W, V))
    return float(numpy.linalg.norm(W - V) / max(numpy.linalg.norm(W), 1e-300))
answers = {}
snippets, verifications = json.load(sys.stdin)
for target, snippet in snippets.items():
    room = {}
    exec(snippet, room)
    found = room["weights"]
    if target.endswith(".aguf"):
        found = {name: found[key] for name in sources for key in found if name.endswith(f"{key[1]}.weight")}
    answers[target] = {name: error(sources[name], weight) for name, weight in found.items()}
printed = {}
for target, snippet in verifications.items():
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(snippet, {})
    printed[target] = said.getvalue()
print(json.dumps([answers, printed]))
`

describe.runIf(pythonHas('numpy', 'torch'))('run on what was written', () => {
  const sources = [
    weights('layers.0.up.weight', [96, 80]),
    weights('conv.weight', [64, 16, 3, 3]),
    weights('blocks.experts.weight', [2, 72, 80]),
    plain('norm', 'F32', [5], new Uint8Array(20)),
  ]
  const reported = new Map<string, readonly TensorOutcome[]>()
  let found: Record<string, Record<string, number>>
  const verifications: Record<string, string> = {}
  const worst = new Map<string, { readonly name: string; readonly error: number }>()
  const modelErrors = new Map<string, number>()
  let printed: Record<string, string>
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ghostsvd-snippets-'))
    await writeFile(join(folder, 'model.safetensors'), fileBytes(sources))
    const snippets: Record<string, string> = {}
    for (const target of targets) {
      const { output, params } = cases[target]
      const written = memoryFolder(target)
      const job = compressJob(params, { output })
      const report = await compressFile(
        { model: await openTensors(...sources), target: { folder: written, name: target } },
        job,
        testContext(),
      )
      for (const [path, bytes] of written.files) {
        await mkdir(dirname(join(folder, path)), { recursive: true })
        await writeFile(join(folder, path), bytes)
      }
      reported.set(target, report.tensors)
      const made = { recipe: cases[target], target, files: report.files }
      snippets[target] = pythonSnippet(made)
      const [most] = report.tensors
        .filter(({ action }) => action === 'factorized')
        .toSorted((a, b) => b.relativeError! - a.relativeError!)
      const named = { name: most!.name, error: most!.relativeError! }
      const verify = verificationSnippet({
        ...made,
        source: 'model.safetensors',
        worst: named,
        modelError: report.relativeError,
      })
      if (verify === null) continue
      worst.set(target, named)
      modelErrors.set(target, report.relativeError)
      verifications[target] = verify
      expect(verify).toContain(`# GhostSVD measured ${named.error.toFixed(6)} for ${named.name}`)
    }
    const environment = { ...process.env, PYTHONPATH: import.meta.dirname, PYTHONDONTWRITEBYTECODE: '1' }
    const answer = execFileSync(python, ['-c', judge], {
      cwd: folder,
      env: environment,
      input: JSON.stringify([snippets, verifications]),
      encoding: 'utf8',
    })
    ;[found, printed] = JSON.parse(answer)
  }, 60_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('Python finds the errors that were reported, by the snippet that verifies', () => {
    for (const [target, { name, error }] of worst) {
      const [measured, where] = printed[target]!.split('\n')[0]!.split('  ')
      expect(where, target).toBe(`'${name}'`)
      expect(Math.abs(Number(measured) - error), target).toBeLessThan(1e-5)
    }
    expect(worst.size).toBe(targets.length - 2)
  })

  test('Python finds the model error that was reported, and what the run measured stands beside it', () => {
    for (const [target, error] of modelErrors) {
      const [measured] = printed[target]!.trim().split('\n').at(-1)!.split('  ')
      expect(Math.abs(Number(measured) - error), target).toBeLessThan(1e-5)
      expect(verifications[target]).toContain(`# GhostSVD measured ${error.toFixed(6)} for the model`)
    }
    expect(modelErrors.size).toBe(worst.size)
  })

  test.each(targets)('%s gives back the weights, with the errors that were reported', (target) => {
    const outcomes = reported.get(target)!.filter(({ name }) => name in found[target]!)
    // An .aguf file holds what is factorized, and of that no stack of experts.
    expect(outcomes).toHaveLength(target.endsWith('.aguf') ? 2 : sources.length)
    expect(outcomes.filter(({ action }) => action === 'factorized').length).toBeGreaterThan(1)
    for (const { name, relativeError } of outcomes) {
      // Products in single precision, summed over the rank.
      const tolerance = 8 * 2 ** -24 * 8
      expect(Math.abs(found[target]![name]! - relativeError!), `${name} ${found[target]![name]}`).toBeLessThan(
        tolerance,
      )
    }
  })
})
