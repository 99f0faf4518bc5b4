import type { Message, NoValues, Words } from '../message.ts'

/** Of a model that a run would leave as it is: why, and what to do instead. */
export const nothing = {
  'nothing.compressed': (v: { parts: readonly Message[] }, w: Words) => `No matrix is compressed. ${w.text(v.parts)}`,
  'nothing.none': (_: NoValues, w: Words) =>
    `Every tensor is left out by choice, or kept for its name or its shape; a matrix is factorized if ${w.act('include')}.`,
  'nothing.rank': (v: { rank: number }) => `At rank ${v.rank} no matrix gets smaller.`,
  'nothing.smaller-rank': (v: { rank: number }) => `Rank ${v.rank} is the largest that makes one smaller.`,
  'nothing.size': (v: { count: number }, w: Words) =>
    v.count === 1
      ? 'At this size its one matrix is best kept whole: choose a smaller one.'
      : `At this size each of the ${w.count(v.count)} matrices is best kept whole: choose a smaller one.`,
  'nothing.error': (v: { goal: number; least: number }, w: Words) =>
    `No matrix reaches ${w.percent(v.goal)} below break-even: the least is ${w.percent(v.least)}.`,
  'nothing.model-error': (v: { goal: number; least: number }, w: Words) =>
    `Compressing any matrix takes the model error to ${w.percent(v.least)} or more; the goal is ${w.percent(v.goal)}.`,
  'nothing.rank-limit': (v: { goal: number; least: number; rank: number }, w: Words) =>
    `At ranks up to ${v.rank}, the largest allowed (${w.act('max-rank')}), the least error is ${w.percent(v.least)}; the goal is ${w.percent(v.goal)}.`,
  'nothing.error-unknown': (v: { goal: number }, w: Words) =>
    `No matrix gets smaller with an error of ${w.percent(v.goal)} or less.`,
  'nothing.noise': (v: { noisy: number; count: number }, w: Words) =>
    v.noisy === v.count && v.count > 1
      ? `All ${w.count(v.count)} have no more structure than random noise.`
      : `${w.count(v.noisy)} of ${w.count(v.count)} ${v.noisy === 1 ? 'has' : 'have'} no more structure than random noise.`,
  'nothing.dense-int8': (v: { share: number }, w: Words) =>
    `Kept in INT8 (${w.act('dense-int8')}), they would bring the file to about ${w.percent(v.share)}.`,
  'nothing.int8-factors': (v: { share: number }, w: Words) =>
    `INT8 factors (${w.act('int8-factors')}) would bring the file to about ${w.percent(v.share)}.`,
  'nothing.quantize': () => 'Quantization can make such weights smaller.',
  'nothing.statistics': (_: NoValues, w: Words) =>
    `Measured by the errors of layer outputs (${w.act('statistics')}), it may still be compressible.`,
}
