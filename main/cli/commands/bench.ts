/** `ghostsvd bench`: how fast this machine is, and with --peers, how fast the libraries others use are on it. */

import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { AppError } from '../../../core/errors.ts'
import type { Matrix } from '../../../core/kernels/kernels.ts'
import { inEnglish, say as message } from '../../../core/messages/english.ts'
import { escaped, foreign, quoted } from '../../../core/messages/text.ts'
import { type BenchReport, benchParts, runBench } from '../../bench/bench.ts'
import { benchModel, type ModelOptions, type ModelTiming } from '../../bench/model.ts'
import { startPeers } from '../../bench/peers.ts'
import { deviceSpawner } from '../../engine/device/spawn-device.ts'
import { kernelRoom } from '../../engine/driver/kernel-room.ts'
import { threadSpawner } from '../../engine/threads.ts'
import { removeTree } from '../../files/replacing.ts'
import { runtimeName } from '../../system/runtime-name.ts'
import { addParamFlags, numberWithin, paramsFrom, wholeNumber } from '../flags.ts'
import { type CommandEngine, withEngine } from '../job.ts'
import { duration, phases, print, printJson, table } from '../print.ts'
import { wrongUsage } from '../usage.ts'

interface Options {
  readonly sizes: readonly number[]
  readonly ranks: readonly number[]
  readonly parts: readonly Part[]
  readonly model?: string
  readonly repeat: number
  readonly peers?: boolean
  readonly json?: boolean
}

/** Whole runs take their time and write files: only where they are asked for. */
const allParts = [...benchParts, 'model'] as const
type Part = (typeof allParts)[number]
const partList = allParts.join(', ')

const tunable = ['algorithm', 'device', 'threads', 'kernel'] as const

export function benchCommand(): Command {
  const command = new Command('bench')
    .description('measure products, randomized and exact SVD, and whole runs (--parts model) on this machine')
    .option('--sizes <numbers>', 'n of the n x n matrices, separated by commas', numbers(64, 16384), [1024, 4096])
    .option('--ranks <numbers>', 'ranks, separated by commas', numbers(1, 4096), [32, 128, 512])
    .option('--parts <names>', `of ${partList}`, partNames, [...benchParts])
    .option('--model <file|folder>', 'weights for the part model; a sample of 271 MB is made without it')
    .option('--repeat <number>', 'runs of each, after one that is discarded', wholeNumber(1, 1000), 5)
    .option('--peers', "alternate with numpy, scikit-learn and torch of Debian's python3 packages")
  return addParamFlags(command, tunable)
    .option('--json', 'print one JSON object')
    .action(async (options: Options, self: Command) => {
      const params = paramsFrom(self, tunable)
      const runtime = runtimeName()
      const room = kernelRoom({
        runtime,
        spawn: threadSpawner(),
        spawnDevice: deviceSpawner(),
        announceControl: () => {},
      })
      const found = await room.kernels(params)
      const { kernels, notice } = await room.beside(found, params.device)
      const folder = await mkdtemp(join(tmpdir(), 'ghostsvd-bench-'))
      const peers = options.peers ? startPeers(kernels.info.threads) : null
      try {
        const { ranks, repeat } = options
        const common = { ranks, repeat, say }
        const parts = benchParts.filter((part) => options.parts.includes(part))
        const report = await runBench(kernels, {
          ...common,
          params,
          parts,
          sizes: parts.length > 0 ? options.sizes : [],
          peers: peers && { ask: peers.ask, save: (A) => saveNpy(join(folder, 'matrix.npy'), A) },
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
  return (text) => {
    const list = text.split(',').map((part) => numberWithin(part, min, max, true))
    return list
  }
}

/** @throws InvalidArgumentError, which commander turns into wrong usage */
function partNames(text: string): Part[] {
  return text.split(',').map((name) => {
    const part = allParts.find((known) => known === name.trim())
    if (!part) throw wrongUsage(message('param.names', { names: allParts }))
    return part
  })
}

/** NPY version 1: the header padded so that the values start at byte 128. */
async function saveNpy(path: string, { rows, cols, data }: Matrix): Promise<string> {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${cols}), }`.padEnd(117)
  const header = Buffer.from(`\x93NUMPY\x01\x00\x76\x00${text}\n`, 'latin1')
  try {
    await writeFile(path, Buffer.concat([header, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]))
  } catch (error) {
    throw new AppError(
      'cannot-write',
      message('bench.not-handed', {
        path: quoted(path),
        fault: foreign(error instanceof Error ? error.message : String(error)),
      }),
    )
  }
  return path
}

function printBench(report: BenchReport, models: readonly ModelTiming[]): void {
  const { kernel, arithmetic, threads, device, peakGigaflops } = report
  const processor = `${kernel}, ${arithmetic} multiply-add, ${threads} ${threads === 1 ? 'thread' : 'threads'}`
  const beside = device === null ? '' : `; products of rows marked * by ${escaped(device)}`
  print(`${processor}; peak ${peakGigaflops.toFixed(0)} GFLOP/s in cache${beside}`)
  const peers = Object.keys(report.peers)
  if (peers.length > 0)
    print(
      `Peers: ${Object.entries(report.peers)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ')}. numpy computes QR and SVD of float32 in float64. Ratios: peer time / ours.`,
    )
  for (const { size, products, randomized, exactValues, exactFull } of report.sizes) {
    print(`\n${size} x ${size}`)
    if (products.length > 0)
      print(
        table(
          [
            ['product', 'columns', 'time', 'GFLOP/s', 'of peak', ...(peers.length > 0 ? ['numpy'] : [])],
            ...products.map((p) => [
              p.product,
              String(p.columns),
              duration(p.ms),
              p.gigaflops.toFixed(0),
              `${(100 * p.shareOfPeak).toFixed(0)} %`,
              ...ratios(p.peerTimeOverOurs, ['numpy']),
            ]),
          ],
          [1, 2, 3, 4, 5],
        ),
      )
    if (randomized.length > 0)
      print(
        table(
          [
            [
              'randomized',
              'rank',
              'time',
              'GFLOP/s',
              'excess',
              '|UtU-I|',
              ...peers,
              ...peers.map((name) => `excess ${name}`),
            ],
            ...randomized.map((r) => [
              r.device === null ? r.spectrum : `${r.spectrum} *`,
              String(r.rank),
              duration(r.ms),
              r.gigaflops.toFixed(0),
              r.excess.toExponential(2),
              r.orthogonality.toExponential(1),
              ...ratios(r.peerTimeOverOurs, peers),
              ...peers.map((name) => (r.peerExcess?.[name] ?? Number.NaN).toExponential(2)),
            ]),
          ],
          [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
        ),
      )
    for (const r of randomized) print(`  ${r.spectrum} ${r.rank}: ${phases(r.phasesMs)}`)
    if (exactValues)
      print(
        `exact values ${duration(exactValues.ms)} (${phases(exactValues.phasesMs)}) ${listTimes(exactValues.peerTimeOverOurs)}`,
      )
    if (exactFull)
      print(
        `exact full SVD ${duration(exactFull.ms)} (${phases(exactFull.phasesMs)}) ${listTimes(exactFull.peerTimeOverOurs)}`,
      )
  }
  if (models.length > 0)
    print(
      `\nwhole runs against their bare products, ${(models[0]!.weights / 1e6).toFixed(0)} million weights\n${table(
        [
          ['rank', 'run', 'weights/s', 'products', 'weights/s', 'ratio'],
          ...models.map(({ rank, weights, runMs, productsMs, shareOfProductSpeed }) => [
            String(rank),
            duration(runMs),
            `${(weights / runMs / 1e3).toFixed(1)} M`,
            duration(productsMs),
            `${(weights / productsMs / 1e3).toFixed(1)} M`,
            `${(100 * shareOfProductSpeed).toFixed(0)} %`,
          ]),
        ],
        [0, 1, 2, 3, 4, 5],
      )}`,
    )
}

function ratios(found: Readonly<Record<string, number>> | undefined, names: readonly string[]): string[] {
  return found ? names.map((name) => `${(found[name] ?? Number.NaN).toFixed(2)}x`) : []
}

function listTimes(found: Readonly<Record<string, number>> | undefined): string {
  return Object.entries(found ?? {})
    .map(([name, ratio]) => `${name} ${ratio.toFixed(2)}x`)
    .join(' ')
}
