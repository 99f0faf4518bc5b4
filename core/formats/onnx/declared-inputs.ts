/** What a model says it is fed with: names of its inputs and their sizes, open ones by the name they have. Source: onnx.proto, ValueInfoProto. */
import { decodeText } from '../../decode-text.ts'
import type { KnownGraph } from '../reading/model-graph.ts'
import { readRange } from '../reading/range.ts'
import { type SmallField, smallMessage } from '../reading/small-message.ts'

interface DeclaredInput {
  readonly name: string
  /** A number, the name of one that is left open, null for one that is not even named. */
  readonly shape: readonly (number | string | null)[]
}

/** Of a model with more, the others are not offered to be filled in. */
const mostInputs = 64
/** Of one declaration: names and a few sizes. */
const mostBytes = 1 << 16

const fields = { type: 2, tensorType: 1, shape: 2, dim: 1, dimValue: 1, dimParam: 2 }

/** Without those that have a value already, as weights of older models do. */
export async function declaredInputs({ source, main }: KnownGraph): Promise<DeclaredInput[]> {
  const valued = new Set(main.tensors.map(({ name }) => name))
  const found: DeclaredInput[] = []
  for (const { name, content } of main.inputs.filter((input) => !valued.has(input.name)).slice(0, mostInputs)) {
    if (content.end - content.start > mostBytes) continue
    const where = `${source.name}: input`
    const inside = (parts: readonly SmallField[], number: number) =>
      parts.flatMap((part) => (part.number === number && part.bytes ? [smallMessage(part.bytes, where)] : []))
    const declared = smallMessage(await readRange(source, content.start, content.end, 'input'), where)
    const [shape = []] = inside(declared, fields.type)
      .flatMap((type) => inside(type, fields.tensorType))
      .flatMap((tensor) => inside(tensor, fields.shape))
    found.push({ name, shape: inside(shape, fields.dim).map(sizeOf) })
  }
  return found
}

function sizeOf(dim: readonly SmallField[]): DeclaredInput['shape'][number] {
  const value = dim.find(({ number, bytes }) => number === fields.dimValue && bytes === null)?.value
  if (value !== undefined && Number.isSafeInteger(value) && value > 0) return value
  const name = dim.find(({ number }) => number === fields.dimParam)?.bytes
  return name && name.byteLength > 0 ? decodeText(name) : null
}
