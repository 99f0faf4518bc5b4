import type { NoValues, Words } from '../message.ts'
import type { FileName, Foreign } from '../text.ts'

/** What an analysis or a compression finds out, notices and proves. */
export const runs = {
  'analysis.rank-used': (v: { rank: number; used: number }) =>
    `Rank ${v.rank} is more than this matrix has; ${v.used} was used.`,
  'analysis.oversample-used': (v: { oversample: number; rank: number; used: number }) =>
    `Oversampling ${v.oversample} does not fit beside rank ${v.rank}; ${v.used} was used.`,
  'analysis.stored-as': (v: { encoding: Foreign }) =>
    `Stored as ${v.encoding}: the spectrum includes its quantization noise.`,
  'analysis.first-of-stack': (v: { count: number }) => `A stack of ${v.count} matrices: this is the first.`,

  'run.resumed': (v: { done: number; total: number }) =>
    `Resumed after ${v.done} of ${v.total} tensors, which an earlier run had finished.`,
  'run.other-source': () => other('read another source, or this one before it changed'),
  'run.other-recipe': () => other('had other settings'),
  'run.other-part': () => other('wrote another part'),
  'run.other-version': () => other('was of another version of GhostSVD'),
  'run.other-device': (v: { name: FileName; before: Foreign; now: Foreign }) =>
    `What is left of ${v.name} was computed by other hardware (${v.before}) than this run has (${v.now}). Resume it with the device it was begun with, or start a new run.`,
  'run.other-arithmetic': () => other('ran on a machine that rounds differently'),
  'run.other-layout': () => other('had another plan'),
  'run.journal-unreadable': () => other('has a journal that cannot be read'),
  'run.journal-damaged': () =>
    'The journal that an unfinished run left here is damaged: what follows in it was computed again.',
  'run.unused-source-changed': (v: { count: number; total: number }) =>
    `${v.count} of ${v.total} finished tensors were not used: the source changed since.`,
  'run.unused-damaged': (v: { count: number; total: number }) =>
    `${v.count} of ${v.total} finished tensors were not used: what was written of them is damaged.`,
  'run.finished-before': (v: { name: FileName }) =>
    `${v.name} had been finished before with the same settings from the same source. All of it was read again and checked; nothing was written again.`,
  'run.goal-missed': (v: { written: number; goal: number }, w: Words) =>
    `The size goal was missed: ${w.count(v.written)} bytes were written, ${w.count(v.goal)} was the goal. Tensors that could not be factorized were kept as they are.`,
  'run.error-goal-missed': (v: { error: number; goal: number }, w: Words) =>
    `The error goal was missed: ${w.percent(v.error)} was reached, ${w.percent(v.goal)} was the goal.`,
  'run.error-goal-unknown': (v: { goal: number }, w: Words) =>
    `Whether the error goal of ${w.percent(v.goal)} was reached is not known: not every norm is.`,
  'run.error-goal-missed-by': (
    v: { count: number; total: number; name: Foreign; error: number; goal: number },
    w: Words,
  ) =>
    `The error goal was missed by ${v.count} of ${v.total} tensors, ${v.name} by the most, ${w.percent(v.error)} where ${w.percent(v.goal)} was the goal.`,
  'run.finished-so-far': (v: { done: number; total: number }, w: Words) =>
    `${v.done} of ${v.total} tensors are finished; ${w.act('resume')} continues after them.`,
  'run.finished-with-source': (v: { done: number; total: number }, w: Words) =>
    `${v.done} of ${v.total} tensors are finished; with the source as it was, ${w.act('resume')} continues after them.`,
  'run.settings-of': (v: { name: FileName }) => `These are the settings of the run that wrote ${v.name}.`,
  'run.settings-of-measured': (v: { name: FileName; error: number }, w: Words) =>
    `These are the settings of the run that wrote ${v.name}, with a model error of ${w.percent(v.error)}.`,
  'run.finished-kept': (_: NoValues, w: Words) => `Finished tensors are kept; ${w.act('resume')} continues after them.`,

  'overflow.factors': (v: { name: Foreign; dtype: string; count: number; of: number }) =>
    `${v.name}: ${v.count} of its ${v.of} factor values do not fit ${v.dtype}.`,
  'overflow.scales': (v: { name: Foreign }) => `${v.name}: its factor values do not fit F32 scales.`,
  'overflow.vanished': (v: { name: Foreign; dtype: string }) =>
    `${v.name}: its factor values are too small for the range of ${v.dtype}.`,
  'overflow.worthless': (v: { dtype: string; error: number }, w: Words) =>
    `Rounded to ${v.dtype}, its factors would have an error of ${w.percent(v.error)}. Choose a wider dtype.`,
  'overflow.choose-wider': () => 'Choose BF16 or F32 factors.',
  'overflow.choose-floating': () => 'Choose factors in floating point.',
  'overflow.choose-own-dtype': () => 'Choose the dtype of the source for the factors.',
  'overflow.choose-ab': () => 'Choose the factor layout A and B.',
  'overflow.leave-out': () => 'Leave this tensor out.',
  'overflow.dense': (v: { name: Foreign; dtype: string; count: number }) =>
    `${v.name}: ${v.count} of its reconstructed values do not fit ${v.dtype}.`,
  'overflow.sparse': (v: { name: Foreign; dtype: string }) =>
    `${v.name}: values of its sparse part do not fit ${v.dtype}. Leave the sparse part out.`,
  'check.failed': (v: { name: Foreign; detail: Foreign }) =>
    `${v.name}: internal check failed: ${v.detail}. This is a fault of the program, not of the file; please report it.`,

  'selftest.eckart-young': () =>
    'No rank-k error is below that of the exact SVD (Eckart-Young), and none is above 100 %.',
  'selftest.theory': () => 'The exact error of random noise is what theory says.',
  'selftest.orthonormal': () => 'The singular vectors are orthonormal to 1e-6.',
  'selftest.same-bits': () => 'The same seed gives the same bits.',
  'selftest.failed': () => 'The self-test failed: numbers from this machine cannot be trusted.',
}

function other(how: string): string {
  return `An unfinished run that was left here ${how}. Nothing of it was used.`
}
