/** `ghostsvd bench`: how fast this machine is, and with --peers, how fast the libraries others use are on it. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { AppError } from '../../../core/errors.ts'
import type { Matrix, Weights } from '../../../core/kernels/kernels.ts'
import { inEnglish, say as message } from '../../../core/messages/english.ts'
import { foreign, quoted } from '../../../core/messages/text.ts'
import { runBench } from '../../bench/bench.ts'
import { freshProcesses } from '../../bench/fresh.ts'
import { type BenchDType, type BenchShape, type Spectrum, spectra } from '../../bench/matrices.ts'
import { benchModel, type ModelOptions } from '../../bench/model.ts'
import { benchParts, type SavedMatrix } from '../../bench/options.ts'
import { startPeers } from '../../bench/peers.ts'
import { deviceSpawner } from '../../engine/device/spawn-device.ts'
import { kernelRoom } from '../../engine/driver/kernel-room.ts'
import { threadSpawner } from '../../engine/threads.ts'
import { removeTree } from '../../files/replacing.ts'
import { ownedFolder } from '../../files/temporary.ts'
import { runtimeName } from '../../system/runtime-name.ts'
import { addParamFlags, numberWithin, paramsFrom, wholeNumber } from '../flags.ts'
import { type CommandEngine, withEngine } from '../job.ts'
import { print, printJson } from '../print.ts'
import { wrongUsage } from '../usage.ts'
import { printBench } from './bench-report.ts'

interface Options {
  readonly sizes: readonly BenchShape[]
  readonly dtype: BenchDType
  readonly spectra: readonly Spectrum[]
  readonly ranks: readonly number[]
  readonly parts: readonly Part[]
  readonly model?: string
  readonly repeat: number
  readonly peers?: boolean
  readonly fresh?: boolean
  readonly json?: boolean
}

/** Whole runs take their time and write files: only where they are asked for. */
const allParts = [...benchParts, 'model'] as const
type Part = (typeof allParts)[number]

const tunable = ['algorithm', 'device', 'threads', 'kernel'] as const

export function benchCommand(): Command {
  const command = new Command('bench')
    .description('measure products, randomized and exact SVD, and whole runs (--parts model) on this machine')
    .option('--sizes <shapes>', 'matrices, separated by commas: 4096 is square, 8192x1024 is not', shapes, [
      { rows: 1024, cols: 1024 },
      { rows: 4096, cols: 4096 },
    ])
    .addOption(
      new Option('--dtype <dtype>', 'of the weights; peers get the same values in F32')
        .choices(['F32', 'BF16'])
        .default('F32'),
    )
    .option('--spectra <names>', `of ${spectra.join(', ')}`, namesOf(spectra), spectra.slice(0, 3))
    .option('--ranks <numbers>', 'ranks, separated by commas', numbers(1, 4096), [32, 128, 512])
    .option('--parts <names>', `of ${allParts.join(', ')}`, namesOf(allParts), [...benchParts])
    .option('--model <file|folder>', 'weights for the part model; a sample of 271 MB is made without it')
    .option('--repeat <number>', 'runs of each, after one that is discarded', wholeNumber(1, 1000), 5)
    .option('--peers', "alternate with numpy, scikit-learn and torch of Debian's python3 packages")
    .option('--fresh', 'with --peers or without: once more, the first of a process that has just started')
  return addParamFlags(command, tunable)
    .option('--json', 'print one JSON object')
    .action(async (options: Options, self: Command) => {
      const params = paramsFrom(self, tunable)
      // The kernels it measures are this process's own: none of an engine that asks for a window.
      if (process.versions.electron && params.device.startsWith('gpu'))
        throw new AppError('bad-request', message('bench.no-window'))
      const runtime = runtimeName()
      const room = kernelRoom({
        runtime,
        spawn: threadSpawner(),
        spawnDevice: deviceSpawner(),
        deviceWay: 'pipe',
        announceControl: () => {},
      })
      const found = await room.kernels(params)
      const { kernels, notice } = await room.beside(found, params.device)
      const folder = await ownedFolder()
      const peers = options.peers ? startPeers(kernels.info.threads) : null
      try {
        const { ranks, repeat } = options
        const common = { ranks, repeat, say }
        const parts = benchParts.filter((part) => options.parts.includes(part))
        const { dtype, spectra: chosen } = options
        const report = await runBench(kernels, {
          ...common,
          params,
          parts,
          dtype,
          spectra: chosen,
          peers,
          shapes: parts.length > 0 ? options.sizes : [],
          fresh: options.fresh ? freshProcesses(process.argv[1]!, kernels.info.threads) : null,
          save: (weights, values) => saveMatrix(folder, weights, values),
        })
        const models = options.parts.includes('model')
          ? await withEngine((engine) =>
              benchModel(kernels, { ...common, params, model: options.model ?? null, folder, open: openIn(engine) }),
            )
          : []
        say('')
        if (options.json) printJson({ ...report, models, notices: notice ? [notice] : [] })
        else printBench(report, models)
        if (notice && !options.json) print(inEnglish(notice))
      } finally {
        peers?.stop()
        await removeTree(folder)
        await room.close()
      }
    })
}

/** Runs go through an engine, as those of the command `compress` do. */
function openIn(engine: CommandEngine): ModelOptions['open'] {
  return async (path) => {
    const { fileId: model } = await engine.open(path)
    return (request) => engine.run<'compress'>({ ...request, files: { model }, target: engine.target(request.target) })
  }
}

/** On a terminal, over what was said before. */
function say(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\x1b[2K\r${text}`)
}

function numbers(min: number, max: number): (text: string) => number[] {
  return (text) => text.split(',').map((part) => numberWithin(part, min, max, true))
}

function shapes(text: string): BenchShape[] {
  return text.split(',').map((part) => {
    const sides = part.split('x')
    const [rows, cols = rows] = (sides.length > 2 ? [part] : sides).map((side) => numberWithin(side, 64, 16384, true))
    return { rows: rows!, cols: cols! }
  })
}

/** @throws InvalidArgumentError, which commander turns into wrong usage */
function namesOf<Name extends string>(known: readonly Name[]): (text: string) => Name[] {
  return (text) =>
    text.split(',').map((name) => {
      const found = known.find((each) => each === name.trim())
      if (!found) throw wrongUsage(message('param.names', { names: known }))
      return found
    })
}

async function saveMatrix(
  folder: string,
  { dtype, data }: Weights,
  { rows, cols, data: values }: Matrix,
): Promise<SavedMatrix> {
  const saved = { safetensors: join(folder, 'matrix.safetensors'), npy: join(folder, 'matrix.npy') }
  const head = Buffer.from(JSON.stringify({ w: { dtype, shape: [rows, cols], data_offsets: [0, data.byteLength] } }))
  const padded = Buffer.concat([head, Buffer.alloc(-head.length & 7, ' ')])
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(padded.length))
  // NPY version 1: the header padded so that the values start at byte 128.
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${cols}), }`.padEnd(117)
  const header = Buffer.from(`\x93NUMPY\x01\x00\x76\x00${text}\n`, 'latin1')
  try {
    await writeFile(saved.safetensors, Buffer.concat([length, padded, data]))
    await writeFile(
      saved.npy,
      Buffer.concat([header, Buffer.from(values.buffer, values.byteOffset, values.byteLength)]),
    )
  } catch (error) {
    throw new AppError(
      'cannot-write',
      message('bench.not-handed', {
        path: quoted(folder),
        fault: foreign(error instanceof Error ? error.message : String(error)),
      }),
    )
  }
  return saved
}
