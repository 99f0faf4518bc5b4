/** The page has its own words for what readers and runs have to say besides: the sentences are taken from those who say them. */

import { expect, test } from 'vitest'
import { AppError } from '../../../core/errors.ts'
import { openWeightFile } from '../../../core/formats/registry.ts'
import { memoryFolder } from '../../../core/io.ts'
import { compressFile } from '../../../core/jobs/compress.ts'
import { recognizeNotice } from '../../../renderer/words/notice.ts'
import { compressJob, openTensors, testContext, weights } from '../../core/jobs/harness.ts'
import { sentencesOf } from '../../core/messages/words.ts'

const keys = (notices: readonly string[]) => notices.map((notice) => recognizeNotice(notice)?.key)

/** What a run says that finds what the ones before it have left; `until`: it fails after so many tensors. */
async function run(
  folder: ReturnType<typeof memoryFolder>,
  rank: number,
  until = Infinity,
): Promise<readonly string[]> {
  let finished = 0
  const context = testContext({
    report: (event) => {
      if (event.type === 'tensor') finished++
    },
    checkCancelled: () => {
      if (finished >= until) throw new AppError('cannot-write', 'The disk is full.')
    },
  })
  const file = await openTensors(...['a', 'b', 'c'].map((name, i) => weights(name, [96, 80], 'F32', i)))
  const job = compressJob({ rank }, { resume: true })
  const report = await compressFile({ model: file, target: { folder, name: 'o' } }, job, context)
  return sentencesOf(report.notices)
}

test('a run that found another one', async () => {
  const folder = memoryFolder('out')
  const cutShort = () => run(folder, 8, 1).catch((error: AppError) => error.message)
  expect(await cutShort()).toMatch(/ 1 of 3 tensors are finished; --resume goes on with them\.$/)
  expect(keys(await run(folder, 8))).toEqual(['wentOn'])
  expect(keys(await run(folder, 8))).toEqual(['finishedBefore'])
  const other = memoryFolder('out')
  await run(other, 8, 1).catch(() => {})
  expect(keys(await run(other, 9))).toEqual(['anewRecipe'])
})

test('a run that found another one damaged', async () => {
  const found = async (until: number, damage: (folder: ReturnType<typeof memoryFolder>) => void) => {
    const folder = memoryFolder('out')
    await run(folder, 8, until).catch(() => {})
    damage(folder)
    return keys(await run(folder, 8))
  }
  expect(await found(1, ({ partials }) => partials.get('o')!.fill(0, -100))).toEqual(['unusedDamaged'])
  expect(await found(1, ({ partials }) => partials.get('o.journal')!.fill(1, 0, 9))).toEqual(['anewDamaged'])
  const secondLine = (journal: Uint8Array) => journal.indexOf(10) + 20
  const inJournal = ({ partials }: ReturnType<typeof memoryFolder>) => {
    const journal = partials.get('o.journal')!
    journal.fill(1, secondLine(journal), secondLine(journal) + 9)
  }
  expect(await found(2, inJournal)).toEqual(['journalDamaged'])
})

test('a file with code in it', async () => {
  const pickle = Buffer.from("\x80\x02cposix\nsystem\n(S'touch'\ntR.", 'latin1')
  const picked = { folder: memoryFolder('models', new Map([['w.pt', pickle]])), entry: 'w.pt' }
  const error = await openWeightFile(picked).catch((fault: AppError) => fault)
  const [code] = /This file contains code \(.*\)\. It was not run\./.exec((error as AppError).message)!
  expect(recognizeNotice(code)).toMatchObject({ key: 'code', values: { names: 'posix.system' } })
})

test.each([
  ['unusedSource', '3 of 14 finished tensors were not used: the source changed since.'],
  [
    'goalMissed',
    'The size goal was missed: 9 bytes were written, 8 was the goal. Tensors that could not be factorized',
  ],
  [
    'unfused',
    'Node 20.1.0 on this machine has no fused multiply-add for WebAssembly, so the plain SIMD kernel computes',
  ],
  [
    'narrowVectors',
    'Node 24.1.0 does not widen vectors to 256 bits on this machine, or is slower when it does, so the',
  ],
  [
    'plainKernels',
    'WebAssembly could not be used (no memory); the plain kernels compute, about a hundred times slower.',
  ],
  ['rankUsed', 'Rank 300 is more than this matrix has; 256 was used.'],
  ['oversampleUsed', 'Oversampling 20 does not fit beside rank 250; 6 was used.'],
  ['firstOfStack', 'A stack of 8 matrices: this is the first.'],
  ['quantized', 'This file is already quantized (Q4_K): the spectra include quantization noise.'],
])('%s', (key, notice) => {
  expect(recognizeNotice(notice)?.key).toBe(key)
})

test('a notice without words of the page is shown as it came', () => {
  expect(recognizeNotice('It rained.')).toBeNull()
})
