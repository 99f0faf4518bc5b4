/** Runs that are cut short after so many tensors, and what they leave, for the tests of going on. */

import { expect } from 'vitest'
import { AppError } from '../../../../core/errors.ts'
import type { WeightFile } from '../../../../core/formats/format.ts'
import { openWeightFile } from '../../../../core/formats/opening/open.ts'
import { compressFile } from '../../../../core/jobs/compress.ts'
import { compressJob, fileBytes, openGraph, plain, type TestTensor, testContext, weights } from '../../jobs/harness.ts'
import { type MemoryFolder, memoryFolder } from '../../memory-folder.ts'
import { sentencesOf, someWords } from '../../messages/words.ts'

export const model = [
  weights('a', [64, 96]),
  plain('norm', 'F32', [64], new Uint8Array(256)),
  weights('bb', [96, 64]),
  weights('ccc', [64, 64]),
]

/** What is written, and from how many files. */
export type Kind = {
  readonly output: 'factors' | 'dense' | 'npz' | 'aguf' | 'onnx' | 'transformers'
  readonly shards?: number
  readonly part?: string
}
export const kinds: readonly Kind[] = [
  { output: 'factors' },
  { output: 'factors', part: '1/2' },
  { output: 'dense' },
  { output: 'dense', shards: 2 },
  { output: 'dense', shards: 4 },
  { output: 'npz' },
  { output: 'aguf' },
  { output: 'onnx' },
  { output: 'transformers', shards: 1 },
  { output: 'transformers', shards: 2 },
]

export async function open(given: readonly TestTensor[], { shards = 1, output }: Kind): Promise<WeightFile> {
  if (output === 'onnx') return openGraph(...given)
  // Only weights of modules become factors there.
  const tensors = output === 'transformers' ? given.map((each) => ({ ...each, name: `${each.name}.weight` })) : given
  const folder = memoryFolder('in')
  for (let i = 0; i < shards; i++) {
    const name = shards === 1 ? 'model.safetensors' : `model-0000${i + 1}-of-0000${shards}.safetensors`
    folder.files.set(name, fileBytes(tensors.filter((_, at) => Math.floor((at * shards) / tensors.length) === i)))
  }
  folder.files.set('config.json', new TextEncoder().encode('{"model_type": "test"}'))
  return openWeightFile({ folder, entry: null })
}

export const quick = { method: 'randomized', nIter: 0 } as const

export interface Ways {
  readonly kind?: Kind
  readonly resume?: boolean
  readonly force?: boolean
  readonly rank?: number
  readonly model?: readonly TestTensor[]
  /** Ends it once so many tensors are finished. */
  readonly until?: number
  readonly reason?: AppError
}

export const cancelled = new AppError('cancelled', someWords('Cancelled.'))
export const diskFull = new AppError(
  'cannot-write',
  someWords('o could not be written beyond 9 kB: the disk is full. Choose another folder.'),
)

/** What was noticed is in English. `computed`: tensors whose values were read after planning, and not to check what was finished. */
export async function run(folder: MemoryFolder, ways: Ways = {}) {
  const { kind = { output: 'factors' }, resume = false, force = false, rank = 8, until = Infinity } = ways
  let finished = 0
  let writing = false
  const computed = new Set<string>()
  const context = testContext({
    report: (event) => {
      if (event.type === 'progress') writing = event.phase !== 'verify' && (writing || event.phase === 'compress')
      if (event.type === 'tensor') finished++
    },
    checkCancelled: () => {
      if (finished >= until) throw ways.reason ?? cancelled
    },
  })
  const source = await open(ways.model ?? model, kind)
  const file: WeightFile = {
    ...source,
    read: (tensor, start, end) => {
      if (writing) computed.add(tensor.name)
      return source.read(tensor, start, end)
    },
  }
  const [index, of] = (kind.part ?? '1/1').split('/').map(Number) as [number, number]
  const rest = { output: kind.output, resume, force, part: of > 1 ? { index, of } : null }
  const report = await compressFile(
    { model: file, target: { folder, name: 'o' } },
    compressJob({ ...quick, rank }, rest),
    context,
  )
  const said = { ...report, notices: sentencesOf(report.notices) }
  return { report: said, computed: computed.size, files: finishedFiles(folder) }
}

/** Everything that has its name. */
export function finishedFiles({ files, folders }: MemoryFolder): Record<string, Uint8Array> {
  const inside = [...folders].flatMap(([folder, { files }]) =>
    [...files].map(([name, bytes]): [string, Uint8Array] => [`${folder}/${name}`, bytes]),
  )
  return Object.fromEntries([...files, ...inside].sort())
}

export function leftovers({ partials, partialFolders }: MemoryFolder): string[] {
  return [...partials.keys(), ...[...partialFolders.keys()].map((name) => `${name}/`)].sort()
}

export async function cutShort(folder: MemoryFolder, until: number, ways: Ways = {}): Promise<AppError> {
  return run(folder, { resume: true, ...ways, until }).then(
    () => expect.unreachable(),
    (error: AppError) => error,
  )
}

export const described = kinds.map((kind): [string, Kind] => [Object.values(kind).join(' '), kind])
