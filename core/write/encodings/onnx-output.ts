/**
 * A model being written: what stands before its graph, the initializers one after another, each read back, then the rest of the graph and of
 * the model. How long the graph is stands before it, in a number of fixed width that is filled in at the end. Its metadata end with ours, the
 * first of which is the checksum of everything before them.
 */
import { AppError } from '../../errors.ts'
import type { WeightFile } from '../../formats/format.ts'
import type { KnownGraph } from '../../formats/reading/model-graph.ts'
import { readRange } from '../../formats/reading/range.ts'
import type { ByteSink } from '../../io.ts'
import { READ_BYTES } from '../../matrix/load.ts'
import { say } from '../../messages/english.ts'
import { tensorBytes } from '../../tensor.ts'
import { fromChecksums, toChecksums } from '../bits.ts'
import { CHECKSUMS } from '../metadata.ts'
import { initializerHead } from '../onnx/initializer.ts'
import { graphPieces, graphStart } from '../onnx/surgery.ts'
import { concat, message, type Piece, pieceBytes, piecesBytes, text, wideVarint } from '../onnx/wire.ts'
import { entryWriter } from './entry-writer.ts'
import { checksumOf } from './intact.ts'
import {
  type Checksum,
  createStarted,
  type Encoding,
  outputEnd,
  type SourceFile,
  sinkSource,
  unframed,
  type WeightsOutput,
  type WrittenEntry,
  writeChecked,
} from './weights-output.ts'

/** What protobuf's readers take of one message. */
const mostBytes = 2 ** 31 - 1
const modelProperty = 14

/** The source of what is taken over. */
type GraphSource = Pick<WeightFile, 'read'> & { readonly graph: KnownGraph }

export function onnxEncoding(file: SourceFile | null): Encoding {
  if (!file?.graph) throw new Error('A graph is written from a graph')
  const { graph } = file
  const source: GraphSource = { read: file.read, graph }
  const startBytes = piecesBytes(graphStart(graph).start)
  const plannedBytes: Encoding['plannedBytes'] = (planned, metadata) => {
    const { rest, end } = graphPieces(graph, planned)
    const framed = planned.reduce(
      (sum, entry) => sum + initializerHead(entry).byteLength + tensorBytes(entry.dtype, entry.shape),
      0,
    )
    return startBytes + framed + piecesBytes(rest) + piecesBytes(end) + ownProperties(metadata, 0).byteLength
  }
  return {
    plannedBytes,
    firstByte: () => startBytes,
    frames: () => (entries) => entries.map(({ outline }) => ({ ...unframed, before: initializerHead(outline) })),
    create: async (folder, name, planned, metadata, crc32) => {
      const byteLength = plannedBytes(planned, metadata)
      if (byteLength > mostBytes)
        throw new AppError('bad-request', say('request.graph-too-large', { bytes: byteLength, limit: mostBytes }))
      const start: Uint8Array[] = []
      for (const piece of graphStart(graph).start) for await (const bytes of contentOf(source, piece)) start.push(bytes)
      const sink = await createStarted(folder, name, byteLength, concat(start))
      return outputOn(source, sink, startBytes, [], crc32)
    },
    reopen: (sink, _, __, written, crc32) => outputOn(source, sink, startBytes, [...written], crc32),
    isIntact: async ({ file, bytes }, context) => {
      // Of everything before our own metadata, which begin with it.
      const own = file.graph?.properties.find(({ name }) => name === CHECKSUMS)
      const [expected] = fromChecksums(file.metadata.get(CHECKSUMS) ?? '')
      return own !== undefined && (await checksumOf(bytes, 0, own.whole.start, 0, context)) === expected
    },
  }
}

/** Entries of the model's metadata. */
function ownProperties(metadata: ReadonlyMap<string, string>, crc: number): Uint8Array {
  const own = [...metadata].filter(([key]) => key.startsWith('ghostsvd.') && key !== CHECKSUMS)
  return concat(
    [[CHECKSUMS, toChecksums([crc])] as const, ...own].map(([key, value]) =>
      message(modelProperty, text(1, key), text(2, value)),
    ),
  )
}

/** Bytes of a piece, in parts. */
export async function* contentOf({ graph, read }: GraphSource, piece: Piece): AsyncGenerator<Uint8Array> {
  if (piece instanceof Uint8Array) {
    yield piece
    return
  }
  const length = pieceBytes(piece)
  for (let at = 0; at < length; at += READ_BYTES) {
    const end = Math.min(length, at + READ_BYTES)
    yield 'values' in piece
      ? await read(piece.values, at, end)
      : await readRange(graph.source, piece.start + at, piece.start + end, 'graph')
  }
}

function outputOn(
  source: GraphSource,
  sink: ByteSink,
  startBytes: number,
  written: WrittenEntry[],
  crc32: Checksum,
): WeightsOutput {
  const writePieces = async (pieces: readonly Piece[]) => {
    for (const piece of pieces) for await (const bytes of contentOf(source, piece)) await writeChecked(sink, bytes)
  }
  return {
    ...outputEnd(sink),
    get byteLength() {
      return sink.byteLength
    },
    written,
    begin: (entries) =>
      entryWriter(sink, entries, written, crc32, {
        before: (index) => ({ bytes: initializerHead(entries[index]!), crc: 0 }),
      }),
    moves: () => false,
    complete: async (metadata) => {
      const { rest, end } = graphPieces(
        source.graph,
        written.map(({ outline }) => outline),
      )
      await writePieces(rest)
      const length = wideVarint(sink.byteLength - startBytes)
      await sink.overwrite(startBytes - length.byteLength, length)
      await writePieces(end)
      let crc = 0
      for (let at = 0; at < sink.byteLength; at += READ_BYTES)
        crc = crc32(await sink.read(at, Math.min(sink.byteLength, at + READ_BYTES)), crc)
      await writeChecked(sink, ownProperties(metadata, crc))
      return sinkSource(sink)
    },
  }
}
