/**
 * The process in which one model runs. onnxruntime-node is loaded here and nowhere else, when the first model comes: a fault of its native code
 * ends this process and no other.
 */
import { writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { InferenceSession, Tensor } from 'onnxruntime-node'
import type { Feeds } from '../../core/answers/inputs.ts'
import { withOutputs } from '../../core/answers/logits.ts'
import type { Loaded, Ran } from '../../core/answers/runner.ts'
import { sumsOfTaps, type Tap, type TapSums } from '../../core/answers/taps.ts'
import { isValueType, mostValueBytes, type Slot, type Value } from '../../core/answers/value.ts'
import { type Answer, bytesOfValues, type FromRuntime, type ToRuntime } from '../answers/messages.ts'
import { dieWithParent } from '../system/die-with-parent.ts'
import { killNow } from '../system/kill-now.ts'

type Runtime = typeof import('onnxruntime-node')

interface Session {
  readonly runtime: Runtime
  readonly session: InferenceSession
}

let loaded: Promise<Session> | null = null
const sums = sumsOfTaps()
/** Asked for one by one. */
let result: readonly TapSums[] | null = null

async function load({ model, threads, reveal }: Extract<ToRuntime, { kind: 'load' }>): Promise<Session> {
  // Where there is a Float16Array onnxruntime 1.30 makes its tensors of it, whose values its own binding then finds empty.
  Reflect.deleteProperty(globalThis, 'Float16Array')
  // Unless it is told so it leaves an id of this machine and a database in the user's cache, a file in the temporary folder, and reports its sessions.
  process.env.ORT_DISABLE_TELEMETRY = '1'
  const runtime = await import('onnxruntime-node')
  const options = { logSeverityLevel: 4, intraOpNumThreads: threads, interOpNumThreads: 1 } as const
  if (typeof model !== 'string' || reveal.length === 0)
    return { runtime, session: await runtime.InferenceSession.create(model as string, options) }
  // A model from bytes has no folder of its own, in which values beside it would lie.
  const extra = { session: { model_external_initializers_file_folder_path: dirname(model) } }
  const bytes = withOutputs(await readFile(model), reveal)
  return { runtime, session: await runtime.InferenceSession.create(bytes, { ...options, extra }) }
}

function slotsOf(values: InferenceSession['inputMetadata']): Slot[] {
  return values.map((each) => ({
    name: each.name,
    type: each.isTensor ? each.type : 'no tensor',
    shape: each.isTensor ? each.shape : [],
  }))
}

/** Kinds of arrays in which onnxruntime takes values. */
const arrays = {
  float32: Float32Array,
  float16: Uint16Array,
  float64: Float64Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint64: BigUint64Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const

function tensorsOf({ runtime }: Session, feeds: Feeds): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { type, dims, bytes }]) => {
      const Kind = arrays[type]
      return [
        name,
        new runtime.Tensor(type as 'float32', new Kind(bytes.slice().buffer) as Float32Array, dims as number[]),
      ]
    }),
  )
}

/** null for what is no array of numbers: a sequence, a map, texts. */
function toValue(tensor: Tensor): Value | null {
  const { type, dims, data } = tensor
  if (!isValueType(type) || !ArrayBuffer.isView(data)) return null
  return { type, dims, bytes: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength) }
}

async function run(feeds: Feeds): Promise<Ran> {
  const held = await loaded!
  const tensors = tensorsOf(held, feeds)
  const started = performance.now()
  const found = await held.session.run(tensors)
  const elapsedMs = performance.now() - started
  const outputs = Object.fromEntries(
    Object.entries(found).flatMap(([name, tensor]) => {
      const value = toValue(tensor)
      return value ? [[name, value]] : []
    }),
  )
  return { outputs, elapsedMs, peakBytes: process.resourceUsage().maxRSS * 1024 }
}

async function observe(feeds: Feeds, taps: readonly Tap[]): Promise<null> {
  const { outputs } = await run(feeds)
  result = null
  sums.add(taps, { ...feeds, ...outputs })
  return null
}

async function answer(message: ToRuntime): Promise<Answer> {
  switch (message.kind) {
    case 'load': {
      loaded = load(message)
      const { session } = await loaded
      return { inputs: slotsOf(session.inputMetadata), outputs: session.outputNames } satisfies Loaded
    }
    case 'run': {
      const ran = await run(message.feeds)
      const bytes = bytesOfValues(ran.outputs)
      if (bytes > mostValueBytes) throw new TooLarge(bytes)
      return ran
    }
    case 'observe':
      return observe(message.feeds, message.taps)
    case 'sums':
      result ??= sums.result()
      return (result[message.index] ?? null) satisfies TapSums | null
  }
}

class TooLarge extends Error {
  readonly bytes: number
  constructor(bytes: number) {
    super('too large')
    this.bytes = bytes
  }
}

type Fault = { fault: 'missing' } | { fault: 'too-large'; bytes: number } | { fault: 'refused'; detail: string }

function faultOf(error: unknown): Fault {
  if (error instanceof TooLarge) return { fault: 'too-large', bytes: error.bytes }
  const code = error instanceof Error && 'code' in error ? error.code : null
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') return { fault: 'missing' }
  return { fault: 'refused', detail: error instanceof Error ? error.message : String(error) }
}

function hear(message: ToRuntime, say: (said: FromRuntime) => void): void {
  const { id } = message
  answer(message).then(
    (answer) => say({ id, answer }),
    (error) => say({ id, ...faultOf(error) }),
  )
}

/** Electron's process.parentPort; its types live in a package that this process must not import. */
interface ParentPort {
  postMessage(message: FromRuntime): void
  on(event: 'message', listener: (event: { data: ToRuntime }) => void): void
}

const { parentPort } = process as { parentPort?: ParentPort }
if (parentPort) parentPort.on('message', ({ data }) => hear(data, (said) => parentPort.postMessage(said)))
else {
  process.on('message', (message: ToRuntime) => hear(message, (said) => process.send?.(said)))
  // Without its program it has nothing to do, and nothing to tidy up: `exit` would wait for a model on a disk that is gone. A model that
  // computes without end holds this thread, which then hears nothing.
  process.on('disconnect', () => killNow(process.pid))
  dieWithParent()
}
// A model may ask for all the memory there is. What Linux ends then for want of it is this process, not the program or its neighbors.
if (process.platform === 'linux') {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000')
  } catch {
    // Without /proc it takes its chance.
  }
}
