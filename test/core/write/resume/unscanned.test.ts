import { describe, expect, it } from 'vitest'
import { compressFile } from '../../../../core/jobs/compress.ts'
import { checkValues } from '../../../../core/jobs/steps/planned-run.ts'
import { planByNames } from '../../../../core/plan/plan.ts'
import { SketchCache } from '../../../../core/sketch-cache/sketch-cache.ts'
import { outputStyle } from '../../../../core/write/styles/registry.ts'
import { compressJob, testContext, weights } from '../../jobs/harness.ts'
import { memoryFolder } from '../../memory-folder.ts'
import { cutShort, described, finishedFiles, type Kind, leftovers, model, open, quick, run } from './cut-short.ts'

/** Its last matrix has NaN, which a run that has not been told finds after the others. */
const sick = (() => {
  const last = weights('ccc', [64, 64])
  new Float32Array(last.bytes.buffer)[70] = Number.NaN
  return [...model.slice(0, 3), last]
})()

/** The run, once its source has been scanned or not. */
async function ofKind(kind: Kind, tensors: typeof model, isScanned: boolean) {
  const file = await open(tensors, kind)
  const sketches = { cache: new SketchCache({ hotTensors: 0, warmTensors: 0 }, null), sourceHash: 'this' }
  const context = testContext({ sketches })
  const job = compressJob({ ...quick, rank: 8 }, { output: kind.output, part: kind.part ? { index: 1, of: 2 } : null })
  if (isScanned) await checkValues(file, planByNames(file, job, outputStyle(kind.output)), context)
  const folder = memoryFolder('out')
  const { elapsedMs: _, ...report } = await compressFile({ model: file, target: { folder, name: 'o' } }, job, context)
  expect(leftovers(folder)).toEqual([])
  const planned = context.events.filter((event) => event.type === 'progress' && event.phase === 'plan')
  return { report, files: finishedFiles(folder), planned: planned.length }
}

describe.each(described)('a run without a scan: %s', (_, kind) => {
  it.each([
    ['finite', model],
    ['with NaN in its last matrix', sick],
  ])('writes the bytes of one with it, from a model that is %s', async (_, tensors) => {
    const scanned = await ofKind(kind, tensors, true)
    const unscanned = await ofKind(kind, tensors, false)
    expect(unscanned.files).toEqual(scanned.files)
    expect(unscanned.report).toEqual(scanned.report)
  })

  it('is resumed to the same bytes, whether it was cut short before or after it knew of the NaN', async () => {
    const whole = await run(memoryFolder('whole'), { kind, model: sick })
    // Told of three tensors, then of all from the first on: 5 is in the middle of what was planned again.
    for (const until of kind.part ? [1] : [1, 5]) {
      const folder = memoryFolder('out')
      await cutShort(folder, until, { kind, model: sick })
      const resumed = await run(folder, { kind, model: sick, resume: true })
      expect(resumed.files, `${until}`).toEqual(whole.files)
      expect(resumed.report.tensors).toEqual(whole.report.tensors)
      expect(leftovers(folder)).toEqual([])
    }
  })
})
