/** A model in a process of its own, as a program holds it. */
import { fork } from 'node:child_process'
import { realpath } from 'node:fs/promises'
import { basename, dirname, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Loaded, mostModelBytes, type Ran, type RunningModel } from '../../core/answers/runner.ts'
import type { TapSums } from '../../core/answers/taps.ts'
import { mostValueBytes } from '../../core/answers/value.ts'
import { AppError } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import { fileName, foreign } from '../../core/messages/text.ts'
import { packagesBeside } from '../../core/version.ts'
import { siblingEntry } from '../engine/entries.ts'
import { type Exit, whyItEnded } from '../engine/parent/exit-sentence.ts'
import { type Answer, bytesOfValues, type FromRuntime, type ToRuntime } from './messages.ts'

const tailCharacters = 8192

/** The process in which a model runs, as those hold it who run one. */
export interface RuntimeProcess {
  /** Never throws; a message to a process that has ended is lost. */
  postMessage(message: ToRuntime): void
  onMessage(listener: (message: FromRuntime) => void): void
  /** Called once, after the last message of the process. */
  onExit(listener: (exit: Exit) => void): void
  kill(): void
}

type Wish = ToRuntime extends infer Each ? (Each extends ToRuntime ? Omit<Each, 'id'> : never) : never

/**
 * @param name for messages
 * @param model its path, or its bytes
 * @throws AppError `unsupported` where there is no onnxruntime-node or it refuses the model, `engine-died` where the process ended
 */
export async function runModel(
  name: string,
  model: string | Uint8Array,
  {
    threads = 1,
    reveal = [],
    signal,
    entry = siblingEntry('runtime'),
  }: { threads?: number; reveal?: readonly string[]; signal?: AbortSignal; entry?: URL } = {},
): Promise<RunningModel> {
  const hidden = typeof model === 'string' ? await foldersOf(model) : []
  const child = spawn(entry)
  const waiting = new Map<
    number,
    { resolve: (answer: Answer) => void; reject: (error: AppError) => void; kind: string }
  >()
  let next = 1
  let ended: AppError | null = null
  const endWith = (error: AppError) => {
    ended ??= error
    for (const { reject } of waiting.values()) reject(ended)
    waiting.clear()
  }
  child.onMessage((answer) => {
    const waits = waiting.get(answer.id)
    waiting.delete(answer.id)
    if (!waits) return
    if ('answer' in answer) waits.resolve(answer.answer)
    else waits.reject(faultOf(name, withoutFolders(answer, hidden), waits.kind === 'load'))
  })
  child.onExit((exit) =>
    endWith(new AppError('engine-died', say('answers.ended', { name: fileName(name), why: whyItEnded(exit) }))),
  )
  const { kill } = child
  const cancel = () => {
    endWith(new AppError('cancelled', say('job.cancelled')))
    kill()
  }
  signal?.addEventListener('abort', cancel)
  if (signal?.aborted) cancel()
  const ask = (wish: Wish): Promise<Answer> => {
    if (ended) return Promise.reject(ended)
    const tooLarge = refuseLarge(name, wish)
    if (tooLarge) return Promise.reject(tooLarge)
    const id = next++
    return new Promise((done, reject) => {
      waiting.set(id, { resolve: done, reject, kind: wish.kind })
      child.postMessage({ ...wish, id } as ToRuntime)
    })
  }
  try {
    const loaded = (await ask({ kind: 'load', model, threads, reveal })) as Loaded
    return {
      ...loaded,
      run: async (feeds) => (await ask({ kind: 'run', feeds })) as Ran,
      observe: async (feeds, taps) => void (await ask({ kind: 'observe', feeds, taps })),
      sums: async () => {
        const sums: TapSums[] = []
        for (;;) {
          const next = (await ask({ kind: 'sums', index: sums.length })) as TapSums | null
          if (next === null) return sums
          sums.push(next)
        }
      },
      end: kill,
    }
  } catch (error) {
    kill()
    throw error
  }
}

function refuseLarge(name: string, wish: Wish): AppError | null {
  const of = fileName(name)
  if (wish.kind === 'load') {
    const bytes = typeof wish.model === 'string' ? 0 : wish.model.byteLength
    if (bytes <= mostModelBytes) return null
    return new AppError('over-limit', say('answers.model-too-large', { name: of, bytes, most: mostModelBytes }))
  }
  const bytes = 'feeds' in wish ? bytesOfValues(wish.feeds) : 0
  if (bytes <= mostValueBytes) return null
  return new AppError('over-limit', say('answers.inputs-too-large', { name: of, bytes, most: mostValueBytes }))
}

/** The runtime's sentences have whole paths; ours have names, since a page must not learn where things lie. */
function withoutFolders<A extends Extract<FromRuntime, { fault: string }>>(answer: A, folders: readonly string[]): A {
  if (!('detail' in answer)) return answer
  const named = (text: string, folder: string) =>
    text.replaceAll(folder + sep, '').replaceAll(`"${folder}"`, `"${basename(folder)}"`)
  return { ...answer, detail: folders.reduce(named, answer.detail) }
}

/** The folders of a path and of where it leads, the deepest first. */
async function foldersOf(path: string): Promise<string[]> {
  const found: string[] = []
  for (const way of [resolve(path), await realpath(path).catch(() => path)])
    for (let at = dirname(way); at !== dirname(at); at = dirname(at)) found.push(at)
  return found.sort((a, b) => b.length - a.length)
}

let spawn: (entry: URL) => RuntimeProcess = forkRuntime

/** How this thread starts the processes of models, said once before the first: Electron's program cannot be forked as node. */
export function spawnRuntimesBy(other: () => RuntimeProcess): void {
  spawn = other
}

function forkRuntime(entry: URL): RuntimeProcess {
  const child = fork(fileURLToPath(entry), [], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [],
    detached: process.platform !== 'win32',
    windowsHide: true,
  })
  let stderrTail = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderrTail = (stderrTail + text).slice(-tailCharacters)
  })
  return {
    // The callback takes the error of a channel that has just closed; the exit says the rest.
    postMessage: (message) => void child.send(message, undefined, undefined, () => {}),
    onMessage: (listener) => void child.on('message', (message) => listener(message as FromRuntime)),
    onExit: (listener) => {
      child.on('close', (code, signal) => listener({ code, signal, stderrTail }))
      // A process that could not be started at all has no 'close'.
      child.on('error', (error) => {
        if (child.pid === undefined) listener({ code: null, signal: null, stderrTail: `Error: ${error.message}` })
      })
    },
    kill: () => void child.kill('SIGKILL'),
  }
}

function faultOf(name: string, answer: Extract<FromRuntime, { fault: string }>, isLoading: boolean): AppError {
  if (answer.fault === 'missing')
    return new AppError('unsupported', say('answers.missing', { version: packagesBeside['onnxruntime-node'] }))
  if (answer.fault === 'too-large')
    return new AppError(
      'over-limit',
      say('answers.outputs-too-large', { name: fileName(name), bytes: answer.bytes, most: mostValueBytes }),
    )
  if (/allocate memory|bad_alloc|bad allocation/i.test(answer.detail))
    return new AppError('out-of-memory', say('answers.no-memory', { name: fileName(name) }))
  const detail = foreign(answer.detail.replace(/\s+/g, ' ').slice(0, 300))
  const key = isLoading ? 'answers.refused' : 'answers.run-failed'
  return new AppError('unsupported', say(key, { name: fileName(name), detail }))
}
