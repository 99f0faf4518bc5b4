/**
 * Messages of the protobuf wire format as pieces: bytes that are new, ranges of the source that are taken over, and values of a tensor. Their
 * lengths are known before anything is read, so a model's bytes are counted without writing it.
 * Source: protobuf.dev, "Encoding".
 */
import type { Placed, Range } from '../../formats/reading/model-graph.ts'
import type { TensorInfo } from '../../tensor.ts'

export type Piece = Uint8Array | Range | { readonly values: TensorInfo }

export function pieceBytes(piece: Piece): number {
  if (piece instanceof Uint8Array) return piece.byteLength
  return 'values' in piece ? piece.values.byteLength : piece.end - piece.start
}

export function piecesBytes(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + pieceBytes(piece), 0)
}

/** Whole numbers from 0 to 2^53. */
export function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  while (rest >= 128) {
    bytes.push((rest % 128) | 128)
    rest = Math.floor(rest / 128)
  }
  return Uint8Array.from([...bytes, rest])
}

/** A number in five bytes, whatever it is, so that it can be written before it is known. Readers of lengths take as many. */
export function wideVarint(value: number): Uint8Array {
  return Uint8Array.from({ length: 5 }, (_, i) => (Math.floor(value / 2 ** (7 * i)) % 128) | (i < 4 ? 128 : 0))
}

/** Tag of a field whose length follows. */
export function lengthTag(field: number): Uint8Array {
  return varint(8 * field + 2)
}

export function integer(field: number, value: number): Uint8Array {
  return concat([varint(8 * field), varint(value)])
}

export function bytes(field: number, value: Uint8Array): Uint8Array {
  return concat([lengthTag(field), varint(value.byteLength), value])
}

export function text(field: number, value: string): Uint8Array {
  return bytes(field, new TextEncoder().encode(value))
}

/** A message of these fields. */
export function message(field: number, ...fields: readonly Uint8Array[]): Uint8Array {
  return bytes(field, concat(fields))
}

/** A message in pieces. */
export function inPieces(field: number, content: readonly Piece[]): Piece[] {
  return [concat([lengthTag(field), varint(piecesBytes(content))]), ...content]
}

/** Something else in the place of a range. */
export interface Splice {
  readonly at: Range
  readonly with: readonly Piece[]
}

/** What a range of the source becomes: ranges between the splices as they are, neighbours joined. */
export function spliced({ start, end }: Range, splices: readonly Splice[]): Piece[] {
  const found: Piece[] = []
  let from = start
  const keep = (to: number) => {
    if (to > from) found.push({ start: from, end: to })
  }
  for (const splice of splices.toSorted((a, b) => a.at.start - b.at.start)) {
    keep(splice.at.start)
    for (const piece of splice.with) found.push(piece)
    from = splice.at.end
  }
  keep(end)
  return found
}

/** A field whose content changes. */
export function rewritten(field: number, { whole, content }: Placed, splices: readonly Splice[]): Splice {
  return { at: whole, with: inPieces(field, spliced(content, splices)) }
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.byteLength
  }
  return whole
}
