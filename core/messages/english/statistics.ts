import type { Words } from '../message.ts'
import type { FileName, Foreign, Quoted } from '../text.ts'

/** What is found and said of statistics of a model's inputs. */
export const statistics = {
  'statistics.none': (v: { name: FileName }) =>
    `${v.name} holds no statistics that GhostSVD can read: an imatrix, Hessians, covariances or sums of a calibration.`,
  'statistics.no-match': (v: { name: FileName; entries: number; some: readonly Quoted[] }, w: Words) =>
    `None of the ${w.count(v.entries)} entries of ${v.name} (${w.list(v.some, v.entries)}) has samples for a matrix of this model.`,
  'statistics.width': (v: { name: Foreign; file: FileName; width: number; inputs: number }, w: Words) =>
    `${v.file} is of another model: it counts ${w.count(v.width)} inputs of ${v.name}, which has ${w.count(v.inputs)}.`,
  'statistics.matrices': (v: { name: Foreign; file: FileName; matrices: number; count: number }, w: Words) =>
    `${v.file} is of another model: of ${v.name} it has statistics of ${w.count(v.matrices)} ${v.matrices === 1 ? 'matrix' : 'matrices'}, and there ${v.count === 1 ? 'is' : 'are'} ${w.count(v.count)}.`,
  'statistics.coverage': (v: { covered: number; total: number; borrowed: number }, w: Words) =>
    `${w.count(v.covered)} of ${w.count(v.total)} matrices have statistics${v.borrowed > 0 ? ` (${w.count(v.borrowed)} of them those of another matrix with the same input)` : ''}${v.covered < v.total ? '; the others are unweighted' : ''}.`,
  'statistics.needed': (v: { hash: string }) =>
    `This recipe weighs errors by statistics of inputs (${v.hash.slice(0, 12)}...): name their file with --statistics.`,
  'statistics.other': (v: { hash: string; found: string }) =>
    `This recipe weighs errors by other statistics: ${v.hash.slice(0, 12)}..., not ${v.found.slice(0, 12)}...`,
  'statistics.norm': (v: { squares: number; moments: number }, w: Words) =>
    `Errors of matrices with statistics are those of their outputs, regularized: ${w.percent(v.squares)} of the mean square is added to each input, or ${w.percent(v.moments)} of the mean eigenvalue to their second moments.`,
  'statistics.uncovered': () => 'It has no statistics: its errors are those of its weights.',
  'statistics.absolute-uncovered': (v: { count: number; some: readonly Quoted[] }, w: Words) =>
    `An absolute error adds up outputs, and ${w.count(v.count)} matrices to be factorized have no statistics (${w.list(v.some, v.count)}). Leave them out, or count every weight alike.`,
  'statistics.relative': () =>
    'CorDA divides every sample by its largest entry: these statistics are good for directions, and output errors by them are relative only.',
}
