import type { Message, NoValues, Words } from '../message.ts'
import type { FileName, Foreign, Quoted } from '../text.ts'
import { nonFinite } from './plan.ts'

/** What is found, made and said of adapters. */
export const adapters = {
  'adapter.none': (v: { name: FileName }) =>
    `${v.name} holds no low-rank adapter: none of its tensors is named as a LoRA, LoHa or LoKr names its factors.`,
  'adapter.multiplied-out': (v: { kind: 'loha' | 'lokr'; dtype: string }) =>
    `The product that a ${productOf(v.kind)} in ${v.dtype} stands for.`,
  'adapter.tucker': (v: { name: Foreign }) => `${v.name}: LoHa and LoKr with Tucker cores are not supported.`,
  'adapter.too-large': (v: { name: Foreign; rows: number; cols: number }, w: Words) =>
    `${v.name}: its product of ${w.shape([v.rows, v.cols])} is larger than any weight; it is not formed.`,
  'adapter.no-alpha': (v: { count: number; total: number }) =>
    `${v.count} of ${v.total} modules have no alpha, and ranks differ: each is taken at scale 1, as ComfyUI does.`,
  'adapter.dora': (v: { count: number }) =>
    `DoRA: ${v.count} magnitudes are kept as they are. They were trained for the direction of the old product; the new one is close to it, not equal.`,
  'adapter.dora-lost': (v: { count: number }) =>
    `DoRA: ${v.count} magnitudes have no place in this form and are left out: what is written adds the difference alone.`,
  'adapter.others': (v: { count: number; some: readonly Quoted[] }, w: Words) =>
    `${v.count} tensors belong to no low-rank module (${w.list(v.some, v.count)}).`,
  'adapter.others-kept': (v: { count: number }) => `${v.count} tensors of no low-rank module are copied as they are.`,
  'adapter.others-left': (v: { count: number; some: readonly Quoted[] }, w: Words) =>
    `${v.count} tensors of no low-rank module are left out, because this form has no place for them: ${w.list(v.some, v.count)}.`,
  'adapter.no-place': (v: { form: string }) => `Loaders of ${formOf(v.form)} adapters build no module for it.`,
  'adapter.no-module': () => 'A parameter that is no module: adapters name modules.',
  'adapter.other-shape': (v: { base: readonly number[]; tuned: readonly number[] }) =>
    `Its shapes differ: [${v.base.join(', ')}] in the base, [${v.tuned.join(', ')}] in the tuned model.`,
  'adapter.part-missing': (v: { name: Foreign }) => `Parts of the matrix that ${v.name} belongs to are missing.`,
  'adapter.turned': () => 'One of the models has it transposed.',
  'adapter.heads-unknown': () =>
    'GGUF has the rows of its heads in another order, and neither model says how many heads there are (config.json).',
  'adapter.family': (v: { family: Foreign }) => `Names are those of ${v.family}.`,
  'adapter.family-unknown': (v: { form: string }) =>
    `The names are of no family that is known here; modules are named after their tensors. Try whether a loader of ${formOf(v.form)} adapters takes them.`,
  'adapter.unplaced': (v: { count: number; total: number; form: string; some: readonly Quoted[] }, w: Words) =>
    `${v.count} of ${v.total} modules have no place in a ${formOf(v.form)} adapter and are left out: ${w.list(v.some, v.count)}.`,
  'adapter.no-names': (v: { form: string }) =>
    `Its module names are of no family that is known here, so they cannot be turned into those of ${formOf(v.form)}.`,
  'adapter.no-architecture': () =>
    'A GGUF adapter names the architecture of its model. Give the model it belongs to, as GGUF or with its config.json.',
  'adapter.int8': () => 'Adapters hold floating-point factors. Choose F32, F16 or BF16.',
  'adapter.empty': () => 'Nothing is left to write: no module has a place in this form.',
  'adapter.deselected': (v: { count: number }) => `${v.count} modules are left out, as you chose.`,
  'adapter.rank-of-joined': (v: { count: number }) =>
    `${v.count} modules were joined of several: their ranks add up, and nothing is lost.`,

  'extract.identical': () => 'Identical in both models: there is no difference.',
  'extract.non-finite': (v: { nan: number; inf: number }) => `Its difference has ${nonFinite(v)}.`,
  'extract.packed': (v: { dtype: Foreign }) => `${v.dtype} values are not weights whose difference is known here.`,
  'extract.embedding': (_: NoValues, w: Words) =>
    `An embedding: loaders differ in whether they take one. Left out unless ${w.act('include')}.`,
  'extract.conv': () => 'A convolution: left out unless a rank for convolutions is given.',
  'extract.only-base': (v: { count: number; some: readonly Quoted[] }, w: Words) =>
    `${v.count} tensors are in the base alone: ${w.list(v.some, v.count)}.`,
  'extract.only-tuned': (v: { count: number; some: readonly Quoted[] }, w: Words) =>
    `${v.count} tensors are in the tuned model alone, and no adapter adds them: ${w.list(v.some, v.count)}.`,
  'extract.whole-left': (v: { count: number; some: readonly Quoted[] }, w: Words) =>
    `${v.count} tensors that are no matrices differ and are not written: ${w.list(v.some, v.count)}.`,
  'extract.no-pairs': () => 'The two models have no tensors in common: they are not of one family.',
  'extract.not-a-pair': () => 'This is not a pair of models.',
  'extract.other-form': (v: { form: string }) =>
    `These matrices are cut for loaders of ${formOf(v.form)} adapters. Open them for another form first.`,
  'extract.nothing': () => 'There is nothing to extract in all that an adapter could hold.',
  'extract.for-one': (v: { name: Quoted; why: Message }, w: Words) => `${v.name}: ${w.text(v.why)}`,
  'extract.verdict-none': () => 'No tensor of the two models can be compared.',
  'extract.no-whole': (v: { form: string }) =>
    `Loaders of ${formOf(v.form)} adapters take no whole differences. Choose comfy or peft, or leave them out.`,
  'extract.one-rank': () => 'One rank everywhere goes with a rank that is given, not with a goal.',
  'extract.rules': () => 'One rule at a time: a goal, or one of sv_ratio, sv_cumulative and sv_fro.',
  'extract.verdict-identical': () => 'The two models are identical.',
  'extract.verdict-fine-tune': (v: { cosine: number }) =>
    `A fine-tune: the cosine of the two models is ${v.cosine.toFixed(4)}.`,
  'extract.verdict-between': (v: { cosine: number }) =>
    `The cosine of the two models is ${v.cosine.toFixed(4)}: neither a plain fine-tune nor unrelated.`,
  'extract.verdict-unrelated': (v: { cosine: number }) =>
    `The two models are unrelated: their cosine is ${v.cosine.toFixed(4)}. An adapter cannot turn one into the other.`,
  'extract.no-structure': (v: { share: number }, w: Words) =>
    `No low-rank structure in the difference: of ${w.percent(v.share)} of it the error falls with the rank as that of random noise does, as after a fine-tune of all weights in BF16.`,
  'extract.residual': (v: { without: number; with: number; model: number; adapter: number }, w: Words) =>
    `Beside the tuned model the base has an error of ${w.percent(v.without)}, with the adapter ${w.percent(v.with)}; ${w.bytes(v.model)} and ${w.bytes(v.adapter)}. A better quantization of as many bytes may be the better choice.`,

  'apply.none': () => 'None of the modules of this adapter belongs to a tensor of the base.',
  'apply.unmatched': (v: { count: number; total: number; some: readonly Quoted[] }, w: Words) =>
    `${v.count} of ${v.total} modules belong to no tensor of the base and are left out: ${w.list(v.some, v.count)}.`,
  'apply.misfit': (v: { module: Foreign; module_shape: readonly number[]; tensor: readonly number[] }, w: Words) =>
    `${v.module}: its product is [${w.shape(v.module_shape)}], the tensor it belongs to [${w.shape(v.tensor)}]. This adapter was made for another model.`,
  'apply.applied': (v: { count: number; scale: number }) =>
    `${v.count} matrices changed, each by ${v.scale === 1 ? '' : `${v.scale} times `}what the adapter holds.`,
  'apply.widened': () => 'The base is quantized: what is written is BF16.',
  'apply.dora': () => 'DoRA is applied by its magnitudes alone in its own loader; it is not merged here.',
}

export const productOf = (kind: 'loha' | 'lokr') => (kind === 'lokr' ? 'LoKr' : 'LoHa')

/** As people call it. */
export function formOf(form: string): string {
  const names: Readonly<Record<string, string>> = {
    kohya: 'kohya',
    comfy: 'ComfyUI',
    diffusers: 'diffusers',
    peft: 'PEFT',
    gguf: 'GGUF',
  }
  return names[form] ?? form
}
