/** A few lines of Python that load what a run has written. They say what this output holds and nothing it might have held. */
import type { RecipeInput } from '../contract.ts'
import { escaped } from '../messages/text.ts'

interface SnippetSource {
  readonly recipe: RecipeInput
  /** File or folder name of the output. */
  readonly target: string
  /** Files written: a dense copy of several lies in a folder. */
  readonly files: number
}

export function pythonSnippet({ recipe, target, files }: SnippetSource): string {
  // JSON's strings are Python's too.
  const name = JSON.stringify(target)
  return `${snippets[recipe.output].lines(name, recipe, files).join('\n')}\n`
}

interface Verification extends SnippetSource {
  /** Path of the source. */
  readonly source: string
  /** The largest error of the run, and where. */
  readonly worst: { readonly name: string; readonly error: number } | null
  /** Model error of the weights as the run measured it; null where that is not known. */
  readonly modelError: number | null
}

/** A source that this library opens whole: a shard of several holds only its own tensors. */
const wholeSafetensors = (source: string) =>
  source.endsWith('.safetensors') && !/-\d+-of-\d+\.safetensors$/.test(source)

/**
 * Loads the output and the source, multiplies out, and prints how far the matrices are from each other, each and all of them by the formula of the model
 * error (curves/model-error.ts): the judge that is not this program. null where the source is no single safetensors file, or the output has not the source's names.
 */
export function verificationSnippet({ source, worst, modelError, ...output }: Verification): string | null {
  if (!snippets[output.recipe.output].leavesWeights || !wholeSafetensors(source)) return null
  const load = pythonSnippet(output).split('\n')
  const lines = [
    // What follows in the loading snippet is advice for another purpose.
    ...load.slice(0, load.findIndex((line) => /^# (Convolutions|The names)/.test(line)) - 1),
    '',
    'import torch',
    'from safetensors.torch import load_file',
    '',
    `source = load_file(${JSON.stringify(source)})`,
    'errors, entries = {}, {}',
    'for name, weight in weights.items():',
    '    W = source[name].double()',
    '    V = torch.as_tensor(weight).double().reshape(W.shape)',
    '    if W.dim() > 1 and source[name].is_floating_point():',
    '        errors[name] = float((W - V).norm()) / max(float(W.norm()), 1e-300)',
    '        entries[name] = W.numel()',
    'for name in sorted(errors, key=errors.get, reverse=True)[:5]:',
    // A name could rewrite the terminal.
    '    print(f"{errors[name]:.6f}  {name!r}")',
    // A name comes from a file: a line break in it would end the comment, and what follows would run.
    ...(worst ? [`# GhostSVD measured ${worst.error.toFixed(6)} for ${escaped(worst.name)}`] : []),
    '',
    'lost = sum(entries[name] * errors[name] ** 2 for name in errors)',
    'print(f"{(lost / max(sum(entries.values()), 1)) ** 0.5:.6f}  model error, over all matrices by their entries")',
    ...(modelError === null ? [] : [`# GhostSVD measured ${modelError.toFixed(6)} for the model`]),
  ]
  return `${lines.join('\n')}\n`
}

/** How the two libraries say the same. */
interface Dialect {
  readonly imports: readonly string[]
  readonly single: string
  /** Rows of U by the singular values. */
  readonly scaled: string
}
const torch: Dialect = {
  imports: ['# pip install safetensors torch', 'from safetensors.torch import load_file'],
  single: 'float()',
  scaled: '(U * S.unsqueeze(-2))',
}
const numpy: Dialect = {
  imports: ['# pip install numpy', 'import numpy as np'],
  single: 'astype(np.float32)',
  scaled: '(U * S[..., None, :])',
}

interface Snippet {
  /** @param name of the output, as Python writes it */
  lines(name: string, recipe: RecipeInput, files: number): string[]
  /** Whether it leaves `weights` under the names of the source. */
  readonly leavesWeights: boolean
}

const snippets: Readonly<Record<RecipeInput['output'], Snippet>> = {
  factors: {
    lines: (name, recipe) => factors(recipe, torch, `stored = load_file(${name})`),
    leavesWeights: true,
  },
  npz: {
    lines: (name, recipe) => factors(recipe, numpy, `stored = dict(np.load(${name}))`),
    leavesWeights: true,
  },
  aguf: { lines: aguf, leavesWeights: false },
  onnx: { lines: onnx, leavesWeights: false },
  transformers: { lines: transformers, leavesWeights: false },
  dense: {
    lines: (name, _, files) => (files > 1 ? denseFolder(name) : denseFile(name)),
    leavesWeights: true,
  },
}

/** Each matrix multiplied out of its factors; what was kept as it was stays. */
function factors({ params }: RecipeInput, { imports, single, scaled }: Dialect, load: string): string[] {
  const byValues = params.factorLayout === 'usv'
  const suffixes = byValues ? ['U', 'S', 'Vt'] : ['lowrank_A', 'lowrank_B']
  const int8 = params.factorDType === 'INT8'
  const sparse = params.sparseDensity > 0
  const parts = [
    ...suffixes,
    ...(int8 ? ['lowrank_A_scale', 'lowrank_B_scale'] : []),
    ...(sparse ? ['sparse_index', 'sparse_value'] : []),
  ]
  const read = (suffix: string) => `stored[f"{name}.${suffix}"].${single}`
  return [
    ...imports,
    '',
    load,
    `parts = (${parts.map((part) => `".${part}"`).join(', ')})`,
    '',
    'weights = {key: value for key, value in stored.items() if not key.endswith(parts)}',
    'for key in stored:',
    `    name, _, part = key.rpartition(".")`,
    `    if part != "${suffixes[0]}":`,
    '        continue',
    ...suffixes.map((suffix) => `    ${suffix.replace('lowrank_', '')} = ${read(suffix)}`),
    // Where INT8 would show, factors are BF16 and have no scales.
    ...(int8
      ? ['    if f"{name}.lowrank_A_scale" in stored:'].concat(
          ['A', 'B'].map((factor) => `        ${factor} = ${factor} * stored[f"{name}.lowrank_${factor}_scale"]`),
        )
      : []),
    `    weights[name] = ${byValues ? `${scaled} @ Vt` : 'B @ A'}`,
    ...(sparse
      ? ['    weights[name].reshape(-1)[stored[f"{name}.sparse_index"]] += stored[f"{name}.sparse_value"]']
      : []),
    '',
    '# Convolutions are matrices here, out x (in * kernel). Into a model of the same shape:',
    '# state = model.state_dict()',
    '# for name, weight in weights.items():',
    `#     state[name].copy_(${imports[1] === numpy.imports[1] ? 'torch.from_numpy(weight)' : 'weight'}.reshape(state[name].shape))`,
  ]
}

/** It runs as it is. */
function onnx(name: string): string[] {
  return [
    '# pip install onnxruntime',
    'import onnxruntime',
    '',
    `session = onnxruntime.InferenceSession(${name})`,
    '# Inputs and outputs are those of the source:',
    'print([(each.name, each.shape, each.type) for each in session.get_inputs()])',
    '# outputs = session.run(None, {name: array})',
  ]
}

/** By the loader that lies in the folder. */
function transformers(name: string): string[] {
  return [
    '# pip install transformers torch safetensors',
    'import sys',
    'from transformers import AutoModelForCausalLM',
    '',
    `folder = ${name}`,
    'sys.path.insert(0, folder)',
    'import ghostsvd_loader',
    '',
    'model = AutoModelForCausalLM.from_pretrained(folder)',
    '# Any other torch module of the same shape:',
    '# ghostsvd_loader.apply_factors(module, folder)',
  ]
}

/** The file is read as it is laid out: no library knows the format. */
function aguf(name: string, { params }: RecipeInput): string[] {
  const sparse = params.sparseDensity > 0
  return [
    '# pip install numpy',
    'import numpy as np',
    '',
    `data, at = open(${name}, "rb").read(), 8`,
    'def take(dtype, count=1):',
    '    global at',
    '    values = np.frombuffer(data, dtype, count, at)',
    '    at += values.nbytes',
    '    return values',
    '',
    'take("V1", int(take("<u4")[0]))  # the configuration, in JSON',
    'weights = {}',
    'for _ in range(take("<u4")[0]):',
    '    layer, matrices = take("<u4", 2)',
    '    for _ in range(matrices):',
    '        name = take("S8")[0].decode()',
    '        rank = int(take("<u2")[0])',
    '        m, n = map(int, take("<u4", 2))',
    '        dtype = "i1" if take("u1")[0] else "<f4"',
    '        U = take(dtype, m * rank).reshape(m, rank) * take("<f4")',
    '        S = take("<f4", rank)',
    '        V = take(dtype, n * rank).reshape(n, rank) * take("<f4")',
    '        weights[layer, name] = (U * S) @ V.T',
    '        if take("u1")[0]:',
    ...(sparse
      ? [
          '            count = int(take("<u4")[0])',
          '            rows, cols = take("<i4", 2 * count).reshape(count, 2).T',
          '            weights[layer, name][rows, cols] += take("<f2", count)',
        ]
      : ['            raise ValueError("a sparse part")']),
    '',
    '# Only what was factorized is in the file. Its whole names are in the configuration, under ghostsvd.names.',
  ]
}

function denseFile(name: string): string[] {
  return [
    '# pip install safetensors torch',
    'from safetensors import safe_open',
    '',
    `with safe_open(${name}, framework="pt") as file:`,
    '    weights = {name: file.get_tensor(name) for name in file.keys()}',
    ...intoModel,
  ]
}

function denseFolder(name: string): string[] {
  return [
    '# pip install safetensors torch',
    'from pathlib import Path',
    'from safetensors import safe_open',
    '',
    'weights = {}',
    `for path in sorted(Path(${name}).glob("*.safetensors")):`,
    '    with safe_open(path, framework="pt") as file:',
    '        weights.update((name, file.get_tensor(name)) for name in file.keys())',
    ...intoModel,
  ]
}
const intoModel = ['', '# The names, shapes and dtypes of the source:', '# model.load_state_dict(weights)']
