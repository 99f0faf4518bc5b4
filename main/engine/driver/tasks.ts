/** What an engine does, task by task: the contract's calls and jobs on one side, core's functions on the other. */

import { basename, dirname, join } from 'node:path'
import { isDifferenceFile } from '../../../core/adapters/difference-model.ts'
import { looksLikeAdapter } from '../../../core/adapters/read.ts'
import { isListed, type Job, type JobResult, machineOf, writesOf } from '../../../core/contract.ts'
import { AppError } from '../../../core/errors.ts'
import type { WeightFile } from '../../../core/formats/format.ts'
import { declaredInputs } from '../../../core/formats/onnx/declared-inputs.ts'
import { runJob } from '../../../core/jobs/registry.ts'
import { sourceOfCut } from '../../../core/jobs/steps/pair-facts.ts'
import type { Way } from '../../../core/kernels/gpu/adapter.ts'
import { mayPay } from '../../../core/kernels/gpu/cost.ts'
import type { JobContext } from '../../../core/matrix/context.ts'
import { defaultParams, fitParams, type Params } from '../../../core/params.ts'
import { describeFile } from '../../../core/plan/describe.ts'
import { adapterStyles, styleIds, styles } from '../../../core/styles.ts'
import { sketchShape } from '../../../core/svd/on-device.ts'
import { matrixView } from '../../../core/tensor.ts'
import type { CompressionTarget } from '../../../core/write/compression.ts'
import { styleFor } from '../../../core/write/styles/registry.ts'
import { type GivenModel, modelRunner } from '../../answers/runner.ts'
import { writeFault } from '../../files/file-errors.ts'
import { assertFileName } from '../../files/file-name.ts'
import { outputFolder } from '../../files/outputs.ts'
import { type HeldFolder, holdFolder, type Place } from '../../files/within.ts'
import type { OpenedFile, Task } from '../messages.ts'
import type { DriverTasks, TaskContext } from './driver-loop.ts'
import type { KernelRoom } from './kernel-room.ts'
import { assertAsOpened, fingerprintOfRoles, type OpenedWeights, openedFiles } from './opened-files.ts'
import { sketchRoom } from './sketch-room.ts'

/** A GPU that is not asked for is not looked for either, unless there is a matrix that any could be worth it for. */
function mayUseDevice(params: Params, files: readonly WeightFile[], way: Way): boolean {
  if (params.device !== 'auto') return params.device !== 'cpu'
  const widest = { ...params, rank: Math.max(params.rank, params.maxRank) }
  return files.some(({ tensors }) =>
    tensors.some((tensor) => {
      const view = matrixView(tensor)
      return view && mayPay(way, sketchShape({ ...view, dtype: 'BF16' }, fitParams(widest, view.rows, view.cols)))
    }),
  )
}

type JobTask = Extract<Task, { kind: 'job' }>

export function engineTasks(room: KernelRoom): DriverTasks {
  const files = openedFiles()
  const sketches = sketchRoom()

  async function job({ job, files: refs, target: place }: JobTask, context: TaskContext): Promise<JobResult> {
    const params = machineOf(job) ?? defaultParams
    const found = await room.kernels(params)
    const opened: [role: string, OpenedWeights][] = []
    for (const [role, ref] of Object.entries(refs)) opened.push([role, await files.get(ref)])
    const models = opened.map(([, { file }]) => file)
    const { kernels, notice } = mayUseDevice(params, models, room.deviceWay)
      ? await room.beside(found, params.device)
      : found
    const cache = sketches.cache(params)
    const jobContext: JobContext = {
      ...context,
      kernels,
      kernelNotice: notice,
      ...(opened.length > 0 && cache && { sketches: { cache, sourceHash: sourceOf(opened) } }),
    }
    const held = place && (await holdTarget(place))
    const target = place && held && targetOf(place, held, job, opened, context)
    const runner = 'inputs' in job.files ? modelRunner({ ...context, given: givenModels(opened) }) : null
    const mark = kernels.mark()
    try {
      return await runJob(
        job,
        {
          opened: Object.fromEntries(opened.map(([role, { file }]) => [role, file])),
          target,
          models: runner?.models ?? null,
        },
        jobContext,
      )
    } catch (error) {
      if (!(error instanceof AppError)) for (const [, weights] of opened) await assertAsOpened(weights)
      throw error
    } finally {
      // A job that failed in the middle has not freed what it allocated.
      kernels.release(mark)
      room.rest()
      await runner?.close()
      await held?.close()
    }
  }

  return {
    run: async (task, context) => {
      switch (task.kind) {
        case 'open': {
          const { file, fingerprint } = await files.get(task.file)
          const { format, safety, totalBytes, notices } = file
          const report: OpenedFile = {
            format,
            safety,
            totalBytes,
            fingerprint,
            notices: [...notices],
            ...described(file),
            ...(await cannotBecome(file)),
            ...(file.graph && { inputs: await declaredInputs(file.graph) }),
          }
          return report
        }
        case 'job':
          return job(task, context)
      }
    },
    warm: () => room.warm(defaultParams),
    closeFile: files.close,
    sketches: sketches.counters,
  }
}

/** Where models lie that are to be run: the file itself, also of a folder that was opened. */
function givenModels(opened: readonly (readonly [role: string, OpenedWeights])[]): Map<string, GivenModel> {
  return new Map(
    opened.map(([role, weights]) => {
      const { file, within, paths } = weights
      const name = file.shards[0]?.fileName
      const path = paths.find((each) => basename(each) === name) ?? paths[0]!
      return [role, { path, within, assertAsOpened: () => assertAsOpened(weights) }]
    }),
  )
}

/** What sketches of these files are kept under. */
function sourceOf(all: readonly (readonly [role: string, OpenedWeights])[]): string {
  const opened = all.filter(([role]) => !isListed(role))
  const source = fingerprintOfRoles(opened)
  const [first] = opened
  const file = first?.[1].file
  const isPair = opened.length === 1 && file && isDifferenceFile(file) && file.difference.of === 'pair'
  return isPair ? sourceOfCut(source, file.difference) : source
}

/** Its tensors, and what else it is beside a model. */
function described(file: WeightFile): Pick<OpenedFile, 'tensors' | 'isAdapter' | 'difference'> {
  if (!isDifferenceFile(file))
    return { tensors: describeFile(file), ...(looksLikeAdapter(file) && { isAdapter: true }) }
  const { form, convolutions, report } = file.difference
  const style = { ...adapterStyles[form], takesConvolutions: convolutions }
  return { tensors: describeFile(file, defaultParams, style), difference: report }
}

/** Outputs that need what lies beside the weights, where it does not. */
async function cannotBecome(file: WeightFile): Promise<Pick<OpenedFile, 'cannotBecome'>> {
  if (isDifferenceFile(file)) return {}
  const refused: NonNullable<OpenedFile['cannotBecome']> = []
  for (const output of styleIds.filter((id) => styles[id].asModules)) {
    try {
      await styleFor(output, file)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      refused.push(...error.said.slice(0, 1).map((why) => ({ output, why })))
    }
  }
  return refused.length > 0 ? { cannotBecome: refused } : {}
}

/** The folder of a target, held while a job writes there: what it is replaced by meanwhile is another folder. */
async function holdTarget({ path, within }: Place): Promise<HeldFolder> {
  assertFileName(basename(path))
  return holdFolder(dirname(path), within).catch((error) => {
    throw writeFault(error, basename(path))
  })
}

function targetOf(
  { path, within }: Place,
  held: HeldFolder,
  job: Job,
  opened: readonly (readonly [role: string, OpenedWeights])[],
  context: TaskContext,
): CompressionTarget {
  const { force = false, resume = false } = writesOf(job) ?? {}
  const named = dirname(path)
  // Told by the name that leads there from other processes too.
  const note = (partial: string, exists: boolean) =>
    context.notePartial({ path: join(named, partial.slice(held.path.length)), within }, exists)
  const folder = outputFolder(held.path, {
    called: named,
    overwrite: force,
    sources: opened.flatMap(([, { paths }]) => paths),
    onLock: note,
    // A run that can be resumed keeps its partial files, whichever process dies.
    ...(!resume && { onPartial: note }),
  })
  return { folder, name: basename(path) }
}
