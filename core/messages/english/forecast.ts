import type { NoValues, Words } from '../message.ts'

/** What is known beforehand of a compressed model's answers. Numbers are those of docs/answers.md. */
export const forecast = {
  'forecast.language-plain': (v: { removed: number; plain: number; weighted: number }, w: Words) =>
    `Published, of another model and another goal: LLaMA-7B without ${w.percent(v.removed)} of its weights went from a perplexity of 5.68 to ${v.plain} by plain SVD, and to ${v.weighted} with statistics of inputs (SVD-LLM, arXiv 2403.07378). This one has no statistics.`,
  'forecast.language-weighted': (v: { removed: number; plain: number; weighted: number }, w: Words) =>
    `Published, of another model and another goal: LLaMA-7B without ${w.percent(v.removed)} of its weights went from a perplexity of 5.68 to ${v.weighted} with statistics of inputs (SVD-LLM, arXiv 2403.07378). Newer models lose more, and 4.5 bits a weight cost a few hundredths.`,
  'forecast.runs-plain': (_: NoValues) =>
    'Measured, of another model: plain SVD left a text recognizer 18 % of its characters at 80 % of the bytes, statistics of inputs 98 to 99 %, and INT8 alone 99 % at 28 %. This one has no statistics; it runs, so calibrate it and look at its answers.',
  'forecast.runs-weighted': (_: NoValues) =>
    'Measured, of another model: with statistics of inputs a text recognizer kept 99 % of its characters at 80 % of the bytes and 98 % at 60 %, and by INT8 alone 99 % at 28 %. This one runs: look at its answers.',
  'forecast.plain': () =>
    'Nothing published is near this model. Without statistics of inputs, expect damage below 95 % of the bytes.',
  'forecast.weighted': () => 'Nothing published is near this model: evaluate it.',
  'forecast.spectra': (v: { noise: number; total: number; spread: number }, w: Words) => {
    const spread = `over ${v.total === 1 ? '' : 'at least '}${w.percent(v.spread)} of ${v.total === 1 ? 'its' : 'their'} directions (stable rank)`
    if (v.total === 1)
      return `Its own spectrum ${v.noise === 1 ? 'has no more structure than random noise, and ' : ''}spreads ${spread}.`
    const noise = `${w.count(v.noise)} of ${w.count(v.total)} matrices ${v.noise === 1 ? 'has' : 'have'} no more structure than random noise, and `
    return `Its own spectra: ${v.noise === 0 ? `half of ${w.count(v.total)} matrices` : `${noise}half of all`} spread ${spread}.`
  },
}
