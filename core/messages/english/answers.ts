import type { Message, Words } from '../message.ts'
import type { FileName, Foreign, Quoted } from '../text.ts'

/** Running models: before and after, and what flows through them. */
export const answers = {
  'answers.missing': (v: { version: string }) =>
    `Models are run by onnxruntime-node, which is not installed. Install it beside ghostsvd: npm install onnxruntime-node@${v.version} (with -g where ghostsvd was). Everything else works without it.`,
  'answers.refused': (v: { name: FileName; detail: Foreign }) => `onnxruntime refuses ${v.name}: ${v.detail}`,
  'answers.run-failed': (v: { name: FileName; detail: Foreign }) => `${v.name} failed on these inputs: ${v.detail}`,
  'answers.no-memory': (v: { name: FileName }) =>
    `${v.name} needs more memory than there is. Try fewer or smaller inputs.`,
  'answers.model-too-large': (v: { name: FileName; bytes: number; most: number }, w: Words) =>
    `${v.name} has ${w.bytes(v.bytes)} with all its values; a model of at most ${w.bytes(v.most)} is run here.`,
  'answers.inputs-too-large': (v: { name: FileName; bytes: number; most: number }, w: Words) =>
    `The inputs for ${v.name} have ${w.bytes(v.bytes)}; at most ${w.bytes(v.most)} are given to a model. Try smaller ones.`,
  'answers.outputs-too-large': (v: { name: FileName; bytes: number; most: number }, w: Words) =>
    `The outputs of ${v.name} have ${w.bytes(v.bytes)}; at most ${w.bytes(v.most)} are compared. Try smaller inputs.`,
  'answers.ended': (v: { name: FileName; why: Message }, w: Words) =>
    `The process that ran ${v.name} ended. ${w.text(v.why)}`,
  'answers.not-a-model': (v: { name: FileName }) =>
    `${v.name} is no model that runs: it has weights and no graph. Models that run are ONNX files.`,
  'answers.input-type': (v: { input: Quoted; type: Quoted }) =>
    `The input ${v.input} is of the type ${v.type}, of which no values are made here.`,
  'answers.input-size': (v: { input: Quoted; count: number; most: number }) =>
    `With the input ${v.input} a sample would have ${v.count} values; at most ${v.most} are made. Give its open sizes with --size NAME=NUMBER.`,
  'answers.no-input': (v: { name: FileName; input: Quoted }) => `${v.name} has no array for the input ${v.input}.`,
  'answers.input-differs': (v: { input: Quoted; wanted: Quoted; got: Quoted }) =>
    `The input ${v.input}: expected ${v.wanted}, got ${v.got}.`,
  'answers.inputs-changed': (v: { original: FileName; compressed: FileName }) =>
    `${v.original} and ${v.compressed} do not have the same inputs and outputs: they are not the same model.`,
  'answers.outputs-differ': (v: { output: Quoted }) => `The output ${v.output} has not the same size in both models.`,
  'answers.no-output': (v: { output: Quoted }) => `The model has no output called ${v.output}.`,
  'answers.no-classes': () =>
    'No output that is looked at has classes, so none can be kept. Ask for a largest error instead, or for another output.',
  'answers.only-zeros': () =>
    'The original answers nothing but zeros to the inputs that decide: no form can be told from another by them. Give others.',
  'answers.drawn': () =>
    'The inputs were drawn at random: on real ones these rows may stand in another order. Give a few dozen of your own.',
  'answers.same-samples': () => 'There are too few inputs to hold any out: these answers are those that decided.',
  'answers.no-statistics': () =>
    'Without statistics of inputs, ranks come from the weights alone: below 95 % of the bytes expect damage. Calibrate first.',
  'answers.goal-missed': () => 'No size that was tried keeps the answers within the goal.',
  'answers.none-finite': () =>
    'Every low-rank form answers with NaN or infinite numbers where the original does not, or the other way round: none is chosen.',
  'answers.int8-wins': (v: { share: number; error: number; other: number; otherError: number }, w: Words) =>
    `INT8 alone is smaller and nearer: ${w.percent(v.share)} of the bytes at an error of ${w.percent(v.error)}, against ${w.percent(v.other)} at ${w.percent(v.otherError)} by low rank. Low rank pays where it makes the model faster, or on top of INT8.`,
  'answers.int8-wins-classes': (v: { share: number; same: number; other: number; otherSame: number }, w: Words) =>
    `INT8 alone is smaller and keeps as much: ${w.percent(v.same)} of the classes at ${w.percent(v.share)} of the bytes, against ${w.percent(v.otherSame)} at ${w.percent(v.other)} by low rank. Low rank pays where it makes the model faster, or on top of INT8.`,
  'answers.not-finite': (v: { name: FileName; output: Quoted; count: number }) =>
    `${v.name}: ${v.count === 1 ? 'a number' : `${v.count} numbers`} of the output ${v.output} ${v.count === 1 ? 'is' : 'are'} NaN or infinite, and not so in the original or the other way round. There is no error of such an output.`,
  'answers.forms-not-finite': (v: { count: number }) =>
    `${v.count === 1 ? 'One of these forms answers' : `${v.count} of these forms answer`} with NaN or infinite numbers where the original does not, or the other way round. Such a form has no error and is not chosen.`,
  'answers.calibration-not-finite': (v: { name: FileName }) =>
    `On these inputs everything that flows into the weights of ${v.name} is NaN, infinite or far too large: there are no statistics of it. Look at the inputs.`,
  'answers.calibration-all-zero': (v: { name: FileName }) =>
    `On these inputs nothing but zeros flows into the weights of ${v.name}: there are no statistics of it. Look at the inputs.`,
  'answers.nothing-to-calibrate': () =>
    'No node takes a weight together with a value that can be looked at: there is nothing to calibrate.',
}
