/** Runs models with onnxruntime for graphs.py and answers.py: a line of JSON in - a model and its inputs - and a line out, its outputs or why it was refused. */
import { createInterface } from 'node:readline'
import type { InferenceSession as Session, Tensor as TensorOf } from 'onnxruntime-node'

// Where there is a Float16Array onnxruntime 1.30 makes its tensors of it, whose values its own binding then finds empty.
Reflect.deleteProperty(globalThis, 'Float16Array')
process.env.ORT_DISABLE_TELEMETRY = '1'
const { InferenceSession, Tensor } = await import('onnxruntime-node')

interface Wire {
  readonly type: string
  readonly dims: readonly number[]
  readonly base64: string
}

const kinds = {
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  int32: Int32Array,
  bool: Uint8Array,
}

function fromWire({ type, dims, base64 }: Wire): TensorOf {
  const bytes = new Uint8Array(Buffer.from(base64, 'base64'))
  if (type === 'float16') return new Tensor('float16', new Uint16Array(bytes.buffer) as never, dims as number[])
  const Kind = kinds[type as keyof typeof kinds]
  return new Tensor(type as 'float32', new Kind(bytes.buffer) as Float32Array, dims as number[])
}

function toWire({ type, dims, data }: TensorOf): Wire {
  const values = data as Float32Array
  return { type, dims, base64: Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64') }
}

// At the level "all" onnxruntime multiplies INT8 weights by inputs that it rounds to INT8 too: another model than the one that is meant.
const options = { logSeverityLevel: 3, intraOpNumThreads: 1 } as const

let held: { readonly model: string; readonly session: Session } | null = null

for await (const line of createInterface({ input: process.stdin })) {
  const {
    model,
    inputs,
    level = 'basic',
    keep = false,
  } = JSON.parse(line) as {
    model: string
    /** One sample, or several: then answers come as a list. */
    inputs: Record<string, Wire> | Record<string, Wire>[]
    level?: 'basic' | 'all'
    /** For the next line, of the same file unchanged: what a model answers may go into it again. */
    keep?: boolean
  }
  try {
    if (held && !(keep && held.model === model)) {
      await held.session.release()
      held = null
    }
    const session: Session =
      held?.session ?? (await InferenceSession.create(model, { ...options, graphOptimizationLevel: level }))
    if (keep) held = { model, session }
    const answers: Record<string, Wire>[] = []
    for (const each of [inputs].flat()) {
      const feeds = Object.fromEntries(Object.entries(each).map(([name, wire]) => [name, fromWire(wire)]))
      const outputs = await session.run(feeds)
      answers.push(Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, toWire(tensor)])))
    }
    if (!keep) await session.release()
    console.log(JSON.stringify({ outputs: Array.isArray(inputs) ? answers : answers[0] }))
  } catch (error) {
    console.log(JSON.stringify({ refused: error instanceof Error ? error.message : String(error) }))
  }
}
