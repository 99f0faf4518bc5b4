/** Models that a job runs (core/answers/runner.ts): each in a process of its own; what is written to be run lies in a temporary folder of the job's. */
import { mkdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import type { ModelRunner, RunningModel, RunOptions } from '../../core/answers/runner.ts'
import { GRAPH } from '../../core/plan/output-files.ts'
import { readFault } from '../files/file-errors.ts'
import { outputFolder } from '../files/outputs.ts'
import { ownedFolder } from '../files/temporary.ts'
import { holdFolder, type Place } from '../files/within.ts'
import { runModel } from './runtime-process.ts'

/** A model that a job was given, which the runtime opens by its name once more. */
export interface GivenModel extends Place {
  /** @throws AppError `source-changed` where there is another one by now */
  assertAsOpened(): Promise<void>
}

export interface RunnerHost {
  /** By role; `role.0`, `role.1`, ... of one with several. */
  readonly given: ReadonlyMap<string, GivenModel>
  /** Throws once the job is cancelled. */
  checkCancelled(): void
  /** Says that something is about to exist or has gone; returns once the process that would remove it knows. */
  notePartial(place: Place, exists: boolean): Promise<void>
}

/** A cancel ends a model within this, whatever it computes. */
const listenMs = 20
const modelName = 'model.onnx'

/** @returns the runner, and what ends its models and removes all that was written for them */
export function modelRunner({ given, checkCancelled, notePartial }: RunnerHost): {
  readonly models: ModelRunner
  close(): Promise<void>
} {
  const live = new Set<RunningModel>()
  let folder: Promise<string> | null = null
  let written = 0
  /** What is being removed takes space until it is gone. */
  let removing: Promise<unknown> = Promise.resolve()

  async function makeFolder(): Promise<string> {
    const path = await ownedFolder()
    await notePartial({ path: path + sep, within: null }, true)
    return path
  }

  /** Waits for an answer of a model, and for the job's cancel. */
  async function hearing<T>(abort: AbortController, answer: Promise<T>): Promise<T> {
    const timer = setInterval(() => {
      try {
        checkCancelled()
      } catch {
        abort.abort()
      }
    }, listenMs)
    try {
      return await answer
    } finally {
      clearInterval(timer)
    }
  }

  async function start(
    name: string,
    model: string | Uint8Array,
    { threads = 1, reveal = [] }: RunOptions = {},
  ): Promise<RunningModel> {
    checkCancelled()
    const abort = new AbortController()
    const running = await hearing(abort, runModel(name, model, { threads, reveal, signal: abort.signal }))
    const held: RunningModel = {
      ...running,
      run: (feeds) => hearing(abort, running.run(feeds)),
      observe: (feeds, taps) => hearing(abort, running.observe(feeds, taps)),
      sums: () => hearing(abort, running.sums()),
      end: () => {
        live.delete(held)
        running.end()
      },
    }
    live.add(held)
    return held
  }

  return {
    models: {
      file: async (role, index, options) => {
        const model = given.get(index === undefined ? role : `${role}.${index}`)
        if (!model) throw new TypeError(`no model has the role ${role}`)
        const name = basename(model.path)
        const held = await holdFolder(dirname(model.path), model.within).catch((error) => {
          throw readFault(error, name)
        })
        try {
          const running = await start(name, join(held.pathElsewhere, name), options)
          try {
            await model.assertAsOpened()
          } catch (error) {
            running.end()
            throw error
          }
          return running
        } finally {
          await held.close()
        }
      },
      written: async (write) => {
        folder ??= makeFolder()
        await removing
        const own = join(await folder, String(++written))
        await mkdir(own)
        const remove = () => {
          removing = Promise.all([removing, rm(own, { recursive: true, force: true }).catch(() => {})])
        }
        try {
          await write({ folder: outputFolder(own, { overwrite: true, sources: [] }), name: modelName })
        } catch (error) {
          remove()
          throw error
        }
        // Values beside a graph make it a folder.
        const path = join(own, modelName)
        const entry = (await stat(path)).isDirectory() ? join(path, GRAPH) : path
        return { run: (options) => start(modelName, entry, options), remove }
      },
      ofBytes: start,
    },
    close: async () => {
      for (const model of live) model.end()
      if (!folder) return
      const path = await folder
      await rm(path, { recursive: true, force: true, maxRetries: 3 })
      await notePartial({ path: path + sep, within: null }, false)
    },
  }
}
