import type { Message, NoValues, Words } from '../message.ts'
import type { FileName, Foreign, Quoted } from '../text.ts'
import { nonFinite } from './plan.ts'

/** What a job was asked for and cannot be. */
export const requests = {
  'request.output-of-other': (v: { output: Foreign }) =>
    `The output ${v.output} does not go with what is open: models become models, differences adapters.`,
  'request.invalid': (v: { method: string; detail: Foreign }) => `${v.method}: ${v.detail}`,
  'request.unknown': (v: { method: Quoted }) => `${v.method} is not something that can be asked for here.`,
  'request.one-goal': () => 'One goal at a time: a size, an error or an energy.',
  'request.int8-layout': () => 'INT8 factors are written as A and B. Choose the layout A and B.',
  'request.dense-int8': () =>
    'Kept weights in INT8 need something that widens them when the model runs: only the output onnx has that. Choose it, or keep the dtype of the source.',
  'request.no-configuration': () =>
    'This output is a folder that transformers opens: it needs the config.json of the model beside its weights, and there is none that can be read. Choose another output.',
  'request.already-quantized': () =>
    'The config.json of this model names a quantization already, and a folder for transformers has one at a time. Choose another output.',
  'request.modules-layout': () => 'Modules multiply by A and B: choose A and B as the layout of the factors.',
  'request.prescribed-dtype': (v: { dtype: string }) =>
    `This kind of file holds factors in ${v.dtype} or INT8. Choose one of them, or the dtype of the source.`,
  'request.largest-rank': (v: { rank: number; most: number }) =>
    `This kind of file holds ranks up to ${v.most}; ${v.rank} was asked for. Choose a smaller rank.`,
  'request.size-goal-of-factors': () =>
    'A size goal is for a file with the whole model; this one holds only factors. Choose a rank or an error.',
  'request.nothing-to-hold': () =>
    'This output holds factors alone, and no matrix would be factorized. Choose another output, a lower rank, or name matrices that are kept by default (--include).',
  'request.archive-name': (v: { name: Quoted }) =>
    `A NumPy archive cannot hold a tensor called ${v.name}: as the name of a file it would lead out of the archive. Choose another output.`,
  'request.answer-goal': () =>
    'Expected an error of outputs above 0, as in 5%, or a share of rows that keep their class, as in same:98%.',
  'request.answer-goal-output': () => 'A goal on answers needs an output that runs by itself: --output onnx.',
  'request.answer-goal-alone': () =>
    'A goal on answers looks for size and ranks itself, in one run: leave out goals for size, error and energy, and --part.',
  'request.answer-goal-needed': () =>
    'Inputs of the model are for a goal on its answers: give --goal-answer, or leave out --inputs, --held-out, --judged-by, --samples, --size and --model-threads.',
  'request.size-form': () => '--size takes NAME=NUMBER, the number at least 1.',
  'request.parts-one-file': () => 'Only an output that is one safetensors file can be made in parts.',
  'request.part': (v: { text: Quoted }) => `Expected a part such as 3/8 (from 1/8 to 8/8), got ${v.text}.`,
  'request.pin-form': () => 'It should be a name or glob, an equals sign and a rank, as in *.q=32.',
  'request.pins-too-coarse': () =>
    'The pinned tensors alone have a larger error than the goal allows. Raise their ranks, or choose a larger error.',
  'request.kept-too-coarse': () =>
    'Kept weights in INT8 alone have a larger error than the goal allows. Keep the dtype of the source for them, or choose a larger error.',
  'request.goal-too-small': (v: { left: number; needed: number }, w: Words) =>
    `The goal leaves ${w.bytes(v.left)} for the compressed matrices; their smallest ranks already need ${w.bytes(v.needed)}. Choose a larger size, a smaller minimum rank, or exclude fewer tensors.`,
  'request.kept-too-large': (v: { more: number }, w: Words) =>
    `The tensors that stay unchanged already exceed the goal by ${w.bytes(v.more)}, before any matrix is counted. Choose a larger size, or exclude fewer tensors.`,
  'request.sample-too-large': (v: { hidden: number; bytes: number; limit: number }, w: Words) =>
    `A hidden size of ${v.hidden} makes matrices of ${w.bytes(v.bytes)}; the sample is limited to ${w.bytes(v.limit)} each. Choose at most 16384.`,

  'tensor.no-whole-bytes': (v: { dtype: Foreign; shape: readonly number[] }) =>
    `${v.dtype} [${v.shape.join(', ')}] is no whole number of bytes.`,
  'tensor.unknown': (v: { name: Quoted; count: number; some: readonly Foreign[] }, w: Words) =>
    `The file has no tensor ${v.name}. It has ${v.count}: ${w.list(v.some, v.count)}.`,
  'tensor.unfit': (v: { name: Foreign; why: Message }, w: Words) => `${v.name}: ${w.text(v.why)}`,
  'tensor.no-matrix': (v: { name: Foreign; shape: readonly number[] }) =>
    `${v.name} has the shape [${v.shape.join(', ')}], which is no matrix: there is nothing to factorize.`,
  'tensor.dtype': (v: { name: Foreign; dtype: Foreign }) =>
    `${v.name} holds ${v.dtype} values, which are not weights to factorize.`,
  'tensor.non-finite': (v: { name: Foreign; nan: number; inf: number }) =>
    `${v.name} has ${nonFinite(v)}. It has no singular values; a compression would keep it unchanged.`,

  'merge.differ': (v: { field: Foreign }) => `These parts do not belong together: they differ in ${v.field}.`,
  'merge.parts': (v: { of: number; found: readonly number[] }, w: Words) =>
    `Expected the parts 1 to ${v.of} of one run, got ${w.list(v.found.map(String))}.`,
  'merge.changed': (v: { part: FileName; name: Foreign }) =>
    `${v.part}: ${v.name} is not what was written there. Make this part again.`,
  'merge.no-part': (v: { name: FileName }) => `${v.name} is no part of a run (compress --part I/N).`,

  'convert.name': (v: { name: FileName }) =>
    `${v.name}: expected a name that ends in .safetensors or .npy, which is what a conversion writes.`,
  'convert.one-tensor': (v: { count: number }) =>
    `An .npy file holds one tensor; this file has ${v.count}. Name one with --tensor, or choose a .safetensors name.`,

  'print.lost': () => 'What was to be printed is lost.',

  'recipe.not-one': (v: { name: FileName }) => `${v.name} is no recipe of this version.`,
  'recipe.retired': (v: { name: FileName; why: Message }, w: Words) => `${v.name}: ${w.text(v.why)}`,
  'recipe.globs': (v: { most: number }, w: Words) =>
    `Patterns with *, ? or { } may have ${w.count(v.most)} characters together.`,
  'recipe.origin': () => 'Recipes are written by Save recipe in the page and by compress --save-recipe.',

  'style.peft-retired': (v: { styles: readonly string[] }, w: Words) =>
    `An adapter holds a difference that is added to a model, and a compressed model is none: PEFT adapters are not written any more. Choose ${w.list(v.styles)}.`,
  'style.kohya-retired': (v: { styles: readonly string[] }, w: Words) =>
    `A LoRA holds a difference that is added to a model, and a compressed model is none: kohya LoRAs are not written any more. Choose ${w.list(v.styles)}.`,

  'param.size-goal': () => 'Expected a share below 100 % or a whole number of bytes.',
  'param.number': () => 'Expected a number.',
  'param.whole-number': () => 'Expected a whole number.',
  'param.range': (v: { min: number; max: number }) => `Expected ${v.min} to ${v.max}.`,
  'param.choice': (v: { choices: readonly Foreign[] }, w: Words) => `Allowed choices are ${w.list(v.choices)}.`,
  'param.names': (v: { names: readonly string[] }, w: Words) =>
    `Expected names of ${w.list(v.names)}, separated by commas.`,

  'estimate.time': () => 'Time is a guess from a short sample on this machine as it is busy now.',
  'estimate.goal-ranks': (_: NoValues, w: Words) =>
    `With a goal the ranks are not known before the analysis, which ${w.act('plan')} makes: sizes are those of the largest ranks.`,
  'estimate.int8': (_: NoValues, w: Words) =>
    `Which tensors get INT8 factors is not known before the analysis, which ${w.act('plan')} makes: sizes are those of INT8 for all.`,
  'estimate.non-finite': (_: NoValues, w: Words) =>
    `Whether there is NaN or Inf is not known before all weights are read, which ${w.act('plan')} does: a tensor with any is kept, and the size grows.`,
}
