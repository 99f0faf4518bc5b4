/** The statistics of a model: for each of its matrices what is known of its inputs, and how much of the model that covers. */
import { familyOfTensors, placeTensor } from '../adapters/names.ts'
import { AppError } from '../errors.ts'
import type { WeightFile } from '../formats/format.ts'
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { type FileName, type Foreign, fileName, foreign, quoted } from '../messages/text.ts'
import { isOwnFactor } from '../roles.ts'
import type { StatisticsForm } from '../statistics-forms.ts'
import { hasComputableDType, type MatrixView, matrixView, type TensorInfo } from '../tensor.ts'
import { type Entry, type Moments, readStatistics } from './entries.ts'
import { lookup, type Place } from './names.ts'

/** Along which side of the stored matrix its inputs lie: columns of y = W x, rows of y = x W. */
type Side = 'cols' | 'rows'

export interface TensorStatistics {
  readonly kind: Moments['kind']
  /** The entry of the file, for sentences; the same for all that share it. */
  readonly entry: string
  readonly side: Side
  /** Of its inputs. */
  readonly width: number
  /** The tensor they were collected for, where that is another of the same input. */
  readonly from: string | null
  /** Of matrix `index`. @throws AppError `bad-file` */
  load(index: number): Promise<Moments>
}

interface Coverage {
  /** Matrices of weights. */
  readonly total: number
  readonly covered: number
  /** Of these, with statistics of another matrix of the same input. */
  readonly borrowed: number
}

export interface ModelStatistics {
  readonly form: StatisticsForm
  /** null for a tensor that is not covered. */
  of(name: string): TensorStatistics | null
  readonly coverage: Coverage
  /** What a person should know of them. */
  readonly notices: readonly Message[]
}

type Tensors = Pick<WeightFile, 'tensors' | 'format'>

/**
 * Holds the entries of a file against a model. Of its values counts alone are read: what has no samples is not covered.
 * @throws AppError `bad-request` for a file without statistics, or of another model; `bad-file`
 */
export async function modelStatistics(model: Tensors, file: WeightFile): Promise<ModelStatistics> {
  const name = fileName(file.shards[0]?.fileName ?? '')
  const read = readStatistics(file)
  if (!read) throw new AppError('bad-request', say('statistics.none', { name }))
  const names = model.tensors.map((tensor) => tensor.name)
  const found = lookup(names, read.entries)
  const family = familyOfTensors(names)
  const isTurned = (tensor: TensorInfo) =>
    // A graph says it; elsewhere only names do.
    tensor.inGraph?.input === 'rows' ||
    (family && placeTensor(family, tensor.name)?.row.transposed === 'conv1d') ||
    /(^|[./])kernel$/.test(tensor.name)
  const statistics = new Map<string, TensorStatistics>()
  let [total, borrowed] = [0, 0]
  for (const tensor of model.tensors) {
    const view = matrixView(tensor)
    if (!view || !hasComputableDType(tensor) || tensor.unfit !== undefined || isOwnFactor(tensor.name)) continue
    total++
    const own = await entryFor(found, tensor, view, name, isTurned(tensor))
    const other = own ? null : found.borrowed(tensor.name)
    const of = other && matchPlace(other.place, view, isTurned(tensor))
    const lent = of && (await fillUnreached(of, view))
    if (lent) borrowed++
    const known = own ?? (lent && { ...lent, from: other?.from ?? null })
    if (known) statistics.set(tensor.name, known)
  }
  const coverage = { total, covered: statistics.size, borrowed }
  if (statistics.size === 0)
    throw new AppError(
      'bad-request',
      say('statistics.no-match', {
        name,
        entries: read.entries.length,
        some: read.entries.slice(0, 3).map((entry) => quoted(entry.name)),
      }),
    )
  const notices = [say('statistics.coverage', coverage)]
  if (read.form === 'covariance') notices.push(say('statistics.relative'))
  return { form: read.form, of: (tensor) => statistics.get(tensor) ?? null, coverage, notices }
}

/** Experts of one tensor that a file may have entries of their own for; the largest models have 512. */
const mostNamed = 65_536

async function entryFor(
  found: ReturnType<typeof lookup>,
  tensor: TensorInfo,
  view: MatrixView,
  file: ReturnType<typeof fileName>,
  turned: boolean,
): Promise<TensorStatistics | null> {
  const place = found.of(tensor.name)
  if (place) {
    const statistics = matchPlace(place, view, turned)
    if (statistics) return fillUnreached(statistics, view)
    throw new AppError('bad-request', otherSizes(place.entry, { name: foreign(tensor.name), file }, view, turned))
  }
  if (view.count === 1 || view.count > mostNamed) return null
  const each = Array.from({ length: view.count }, (_, expert) => found.ofExpert(tensor.name, expert))
  const one = { ...view, count: 1 }
  const all = each.flatMap((of) => (of && matchPlace({ ...of, matrix: of.matrix ?? 0 }, one, turned)) ?? [])
  const [first] = all
  if (!first || all.length < view.count) return null
  const ofExpert = { samples: (i: number) => all[i]!.samples(0), load: (i: number) => all[i]!.load(0) }
  return fillUnreached({ ...first, ...ofExpert }, view)
}

/** How sizes differ. The file may say no more than how many inputs all matrices have together. */
function otherSizes(
  { width, matrices, length }: Entry,
  names: { readonly name: Foreign; readonly file: FileName },
  { rows, cols, count }: MatrixView,
  turned: boolean,
): Message {
  const inputs = turned ? rows : cols
  const found = matrices ?? (length % inputs === 0 ? length / inputs : count)
  if ((width ?? inputs) === inputs && found !== count)
    return say('statistics.matrices', { ...names, matrices: found, count })
  return say('statistics.width', { ...names, width: width ?? length, inputs: width === null ? inputs * count : inputs })
}

/** As the tensor has them, whether or not there were samples. */
interface Placed extends TensorStatistics {
  samples(index: number): Promise<number | null>
}

/** null where widths or numbers of matrices differ. */
function matchPlace({ entry, matrix }: Place, { rows, cols, count }: MatrixView, turned: boolean): Placed | null {
  if (matrix === null && entry.matrices !== null && entry.matrices !== count) return null
  const fits = (width: number) => {
    if (entry.width !== null) return entry.width === width
    // How many matrices lie one behind the other, this width says.
    return matrix === null
      ? entry.length === count * width
      : entry.length % width === 0 && matrix < entry.length / width
  }
  // One that lies the other way is told by its width alone.
  const likely: readonly Side[] = turned ? ['rows', 'cols'] : ['cols', 'rows']
  const side = likely.find((each) => fits(each === 'cols' ? cols : rows))
  if (!side) return null
  const width = side === 'cols' ? cols : rows
  return {
    kind: entry.kind,
    entry: matrix === null ? entry.name : `${entry.name}[${matrix}]`,
    side,
    width,
    from: null,
    samples: (index) => entry.samples(matrix ?? index),
    load: (index) => entry.load(matrix ?? index, width),
  }
}

/** Experts that no sample reached get the mean of the others; null where none was reached. Only counts are read. */
async function fillUnreached(
  { samples, ...statistics }: Placed,
  { count }: MatrixView,
): Promise<TensorStatistics | null> {
  // A hostile stack has more matrices than a set has entries.
  const reached = new Uint8Array(count)
  for (let index = 0; index < count; index++) if ((await samples(index)) !== 0) reached[index] = 1
  const size = reached.reduce((sum, each) => sum + each, 0)
  if (size === 0) return null
  if (size === count) return statistics
  let mean: Promise<Moments> | undefined
  const load = (index: number) => {
    if (reached[index] === 1) return statistics.load(index)
    mean ??= meanOf(statistics, reached, size)
    return mean
  }
  return { ...statistics, load }
}

async function meanOf(
  { kind, width, load }: Pick<TensorStatistics, 'kind' | 'width' | 'load'>,
  reached: Uint8Array,
  size: number,
): Promise<Moments> {
  const sum = new Float64Array(kind === 'diagonal' ? width : width * width)
  for (const [index, isReached] of reached.entries()) {
    if (isReached === 0) continue
    const { values } = await load(index)
    for (let i = 0; i < sum.length; i++) sum[i]! += values[i]! / size
  }
  return { kind, values: sum }
}
