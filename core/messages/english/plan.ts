import type { Message, NoValues, Words } from '../message.ts'
import type { Foreign, Quoted } from '../text.ts'

/** Why a tensor is factorized or kept. */
export const plan = {
  'plan.no-entries': () => 'It has no entries.',
  'plan.scalar': () => 'It is a single number.',
  'plan.one-dimensional': () => 'It is one-dimensional: there is no rank to lower.',
  'plan.dimensions': (v: { count: number }) => `It has ${v.count} dimensions; up to 5 can be seen as a matrix.`,
  'plan.dtype': (v: { dtype: Foreign }) => `${v.dtype} values are not weights to factorize; copied as they are.`,
  'plan.not-included': () => 'Not among the included tensors.',
  'plan.excluded': (v: { pattern: Quoted }) => `Left out by the rule ${v.pattern}.`,
  'plan.embedding': (_: NoValues, w: Words) =>
    `An embedding: its rare rows lose most. Kept unless ${w.act('include')}.`,
  'plan.head': (_: NoValues, w: Words) => `The output head decides every token. Kept unless ${w.act('include')}.`,
  'plan.router': (_: NoValues, w: Words) => `A router decides which expert runs. Kept unless ${w.act('include')}.`,
  'plan.narrow': (v: { shape: readonly number[]; least: number }, w: Words) =>
    `Its smaller dimension (${w.shape(v.shape)}) is below ${v.least}: little to save. Kept unless ${w.act('include')}.`,
  'plan.axes': (v: { axes: number; shape: readonly number[] }, w: Words) =>
    `Its ${v.axes} axes are neither a known stack of matrices nor those of a convolution; as one matrix (${w.shape(v.shape)}) it may make no sense. Kept unless ${w.act('include')}.`,
  'plan.optimizer': (_: NoValues, w: Words) =>
    `State of an optimizer, not a weight of the model. Kept unless ${w.act('include')}.`,
  'plan.mask': (_: NoValues, w: Words) => `A mask, not a weight. Kept unless ${w.act('include')}.`,
  'plan.positions': (_: NoValues, w: Words) => `Computed from positions, not learned. Kept unless ${w.act('include')}.`,
  'plan.factor': (_: NoValues, w: Words) =>
    `A factor of a low-rank matrix already: a factor of a factor would only add an error. Kept unless ${w.act('include')}.`,
  'plan.scale': (v: { owner: Foreign }) => `It holds the scale of ${v.owner}.`,
  'plan.scale-in-factors': (v: { owner: Foreign }) => `Already multiplied into the factors of ${v.owner}; not written.`,
  'plan.same-storage': (v: { first: Foreign; reason: Message }, w: Words) =>
    `Same storage as ${v.first}: ${w.text(v.reason)}`,

  'plan.rank': (v: { shape: readonly number[]; rank: number; before: number; after: number }, w: Words) =>
    `${w.shape(v.shape)} to rank ${v.rank}: ${w.bytes(v.before)} to ${w.bytes(v.after)}.`,
  'plan.grows': (v: { rank: number; dtype: string; before: number; after: number }, w: Words) =>
    v.before === v.after
      ? `At rank ${v.rank} with ${v.dtype} factors it would not shrink: ${w.bytes(v.before)}.`
      : `At rank ${v.rank} with ${v.dtype} factors it would grow from ${w.bytes(v.before)} to ${w.bytes(v.after)}.`,
  'plan.largest-useful-rank': (v: { rank: number }) => `Largest useful rank: ${v.rank}.`,
  'plan.copied-as': (v: { dtype: Foreign; bytes: number }, w: Words) =>
    `A copy is written as ${v.dtype}: ${w.bytes(v.bytes)}.`,
  'plan.dense-int8': (v: { scales: number }) => `Written in INT8, one scale for each of its ${v.scales} outputs.`,
  'plan.never-smaller': () => 'No rank makes it smaller.',
  'plan.size-goal': () => 'Under the size goal, keeping it whole serves the model best.',
  'plan.model-goal': () => 'Under a goal over the whole model, keeping it whole serves the model best.',
  'plan.rank-limit': (v: { error: number; rank: number }, w: Words) =>
    `The goal is not reached with the largest rank allowed: ${w.percent(v.error)} at rank ${v.rank}.`,
  'plan.break-even': (v: { error: number; rank: number }, w: Words) =>
    `The goal is not reached below break-even: ${w.percent(v.error)} at rank ${v.rank}.`,
  'plan.too-small-for': (v: { dtype: string }) => `Its factor values are too small for ${v.dtype}.`,
  'plan.int8-adds': (v: { share: number | null }, w: Words) => `INT8 adds ${w.increase(v.share)} to its error.`,
  'plan.int8-would-add': (v: { share: number | null; dtype: string }, w: Words) =>
    `INT8 would add ${w.increase(v.share)} to its error: ${v.dtype} factors.`,
  'plan.noise': () => 'No more structure than random noise: low rank will not help.',

  'plan.non-finite': (v: { name: Foreign; nan: number; inf: number }) => `${v.name} has ${nonFinite(v)}.`,
  'plan.name-taken': (v: { tensor: Quoted; written: Quoted }) =>
    `The factors of ${v.tensor} would be written as ${v.written}, which is another tensor of this file. Exclude ${v.tensor} to keep it as it is, or choose another layout or output.`,
  'plan.one-name': (v: { first: Quoted; second: Quoted; written: Quoted }) =>
    `${v.first} and ${v.second} would both be written as ${v.written}. Exclude one of them, or choose another output.`,
  'plan.kept-unchanged': (v: { why: readonly Message[] }, w: Words) => `${w.text(v.why)} It was kept unchanged.`,
  'plan.not-in-output': (v: { reason: Message }, w: Words) => `${w.text(v.reason)} Not part of this output.`,
  'plan.no-place-for-experts': () => 'A stack of experts has no place in this output.',
  'plan.no-place-but-linear': () => 'Only the weight of a linear module becomes factors in this output.',
  'plan.no-place-for-sparse': () => 'This output has no place for a sparse part.',
  'plan.no-place-for-int8': () => 'This output holds floating-point factors; INT8 was asked for.',
  'output.names-numbered': (v: { count: number; name: Foreign; short: Foreign }) =>
    `This kind of file has 8 bytes for a name; ${v.count} that would be equal to another of their layer get a number: ${v.name} is written as ${v.short}.`,
  'plan.finished-factorized': () => 'Factorized by the finished run.',
  'plan.finished-kept': () => 'Kept by the finished run.',
  'plan.finished-left-out': () => 'Not written by the finished run.',
}

export function nonFinite({ nan, inf }: { readonly nan: number; readonly inf: number }): string {
  const counted = (count: number, what: string) =>
    count > 0 ? [`${count} ${what} ${count === 1 ? 'value' : 'values'}`] : []
  return [...counted(nan, 'NaN'), ...counted(inf, 'Inf')].join(' and ')
}
