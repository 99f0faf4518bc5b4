/** What a file of statistics is, and which matrices of a model it weighs. Of its values counts alone are read, and its hash takes a few of each entry. */
import type { JobOf, StatisticsLook } from '../contract.ts'
import type { WeightFile } from '../formats/format.ts'
import type { JobContext } from '../matrix/context.ts'
import { modelStatistics } from '../statistics/statistics.ts'
import { sourceHash } from '../write/source-hash.ts'
import type { FilesOf } from './files.ts'

/** @throws AppError `bad-request` for a file without statistics, or of another model; `bad-file` */
export async function lookAtStatistics(
  { model, statistics: file }: FilesOf<'statistics'>,
  _: JobOf<'statistics'>,
  context: JobContext,
): Promise<StatisticsLook> {
  const { form, of, coverage, notices } = await modelStatistics(model, file)
  return {
    form,
    hash: await sourceHash({ model: file }, context),
    ...coverage,
    tensors: model.tensors.flatMap(({ name }) => {
      const found = of(name)
      return found ? [{ name, kind: found.kind, from: found.from }] : []
    }),
    calibration: calibrationOf(file),
    notices: [...notices],
  }
}

/** As `calibrate` has noted it. */
function calibrationOf({ metadata }: WeightFile): StatisticsLook['calibration'] {
  const inputs = metadata.get('ghostsvd.calibration.inputs')
  const samples = Number(metadata.get('ghostsvd.calibration.samples'))
  if ((inputs !== 'drawn' && inputs !== 'given') || !Number.isSafeInteger(samples)) return null
  return { inputs, samples }
}
