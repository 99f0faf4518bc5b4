/**
 * A model being written: what stands before its graph, the initializers one after another, each read back, then the rest of the graph and of
 * the model. How long the graph is stands before it, in a number of fixed width that is filled in at the end. Its metadata end with ours, the
 * first of which is the checksum of everything before them.
 *
 * A source beyond what protobuf takes of one message has its values in files beside it, and so has its output: the values come one after another in
 * `model.onnx.data`, and at the end the model is written beside them, with the offset of each. The checksum is of the model's bytes, then of the values.
 */
import { AppError } from '../../errors.ts'
import type { WeightFile } from '../../formats/format.ts'
import type { KnownGraph } from '../../formats/reading/model-graph.ts'
import { readRange } from '../../formats/reading/range.ts'
import type { ByteSink, OutputFolder } from '../../io.ts'
import { READ_BYTES } from '../../matrix/load.ts'
import { say } from '../../messages/english.ts'
import { GRAPH, GRAPH_VALUES, hasValuesBeside, mostGraphBytes } from '../../plan/output-files.ts'
import { type TensorOutline, tensorBytes } from '../../tensor.ts'
import { fromChecksums, toChecksums } from '../bits.ts'
import { CHECKSUMS } from '../metadata.ts'
import { externalInitializer, initializerHead } from '../onnx/initializer.ts'
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

const modelProperty = 14

/** The source of what is taken over. */
type GraphSource = Pick<WeightFile, 'read'> & { readonly graph: KnownGraph }

export function onnxEncoding(file: SourceFile | null): Encoding {
  if (!file?.graph) throw new Error('A graph is written from a graph')
  const source: GraphSource = { read: file.read, graph: file.graph }
  return hasValuesBeside(file) ? besideValues(source) : aroundValues(source)
}

/** One file. */
function aroundValues(source: GraphSource): Encoding {
  const { graph } = source
  const startBytes = piecesBytes(graphStart(graph).start)
  const plannedBytes: Encoding['plannedBytes'] = (planned, metadata) => {
    const { rest, end } = graphPieces(graph, planned)
    const framed = planned.reduce((sum, entry) => sum + initializerHead(entry).byteLength + bytesOf(entry), 0)
    return startBytes + framed + piecesBytes(rest) + piecesBytes(end) + ownProperties(metadata, 0).byteLength
  }
  return {
    plannedBytes,
    firstByte: () => startBytes,
    frames: () => (entries) => entries.map(({ outline }) => ({ ...unframed, before: initializerHead(outline) })),
    create: async (folder, name, planned, metadata, crc32) => {
      const byteLength = plannedBytes(planned, metadata)
      refuseLarge(byteLength)
      const sink = await createStarted(folder, name, byteLength, await startOf(source))
      return outputOn(source, sink, startBytes, [], crc32)
    },
    reopen: (sink, _, __, written, crc32) => outputOn(source, sink, startBytes, [...written], crc32),
    isIntact: async ({ file, bytes }, context) => {
      const own = ownIn(file)
      return own !== null && (await checksumOf(bytes, 0, own.start, 0, context)) === own.expected
    },
  }
}

/** Values in one file, the model in another beside it. */
function besideValues(source: GraphSource): Encoding {
  const modelBytes = (planned: readonly TensorOutline[], metadata: ReadonlyMap<string, string>) => {
    const { start, inside, end } = modelBeside(source.graph, planned)
    return piecesBytes([...start, ...inside, ...end]) + ownProperties(metadata, 0).byteLength
  }
  return {
    opensAt: GRAPH,
    plannedBytes: (planned, metadata) =>
      planned.reduce((sum, entry) => sum + bytesOf(entry), 0) + modelBytes(planned, metadata),
    firstByte: () => 0,
    frames: () => (entries) => entries.map(() => unframed),
    create: async (folder, name, planned, metadata, crc32) => {
      refuseLarge(modelBytes(planned, metadata))
      const byteLength = planned.reduce((sum, entry) => sum + bytesOf(entry), 0)
      return valuesOn(source, await folder.create(name, byteLength), folder, [], crc32)
    },
    reopen: (sink, _, __, written, crc32, folder) => valuesOn(source, sink, folder, [...written], crc32),
    isIntact: async ({ file, bytes }, context) => {
      const own = ownIn(file)
      if (own === null) return false
      const model = await checksumOf(file.graph!.source, 0, own.start, 0, context)
      return (await checksumOf(bytes, 0, bytes.byteLength, model, context)) === own.expected
    },
  }
}

function bytesOf({ dtype, shape }: TensorOutline): number {
  return tensorBytes(dtype, shape)
}

function refuseLarge(byteLength: number): void {
  if (byteLength > mostGraphBytes)
    throw new AppError('bad-request', say('request.graph-too-large', { bytes: byteLength, limit: mostGraphBytes }))
}

/** Where a finished model's own metadata begin, and the checksum that stands there; null where there is none. */
function ownIn({ graph, metadata }: WeightFile): { readonly start: number; readonly expected: number } | null {
  const own = graph?.properties.find(({ name }) => name === CHECKSUMS)
  const [expected] = fromChecksums(metadata.get(CHECKSUMS) ?? '')
  return own && expected !== undefined ? { start: own.whole.start, expected } : null
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

/** What stands before the initializers. */
async function startOf(source: GraphSource): Promise<Uint8Array> {
  const start: Uint8Array[] = []
  for (const piece of graphStart(source.graph).start)
    for await (const bytes of contentOf(source, piece)) start.push(bytes)
  return concat(start)
}

async function writePieces(source: GraphSource, sink: ByteSink, pieces: readonly Piece[]): Promise<void> {
  for (const piece of pieces) for await (const bytes of contentOf(source, piece)) await writeChecked(sink, bytes)
}

async function crcOf(sink: ByteSink, crc32: Checksum, previous: number): Promise<number> {
  let crc = previous
  for (let at = 0; at < sink.byteLength; at += READ_BYTES)
    crc = crc32(await sink.read(at, Math.min(sink.byteLength, at + READ_BYTES)), crc)
  return crc
}

/** Fills in how long the graph is, which begins at this byte and is whole. */
async function writeGraphLength(sink: ByteSink, startBytes: number): Promise<void> {
  const length = wideVarint(sink.byteLength - startBytes)
  await sink.overwrite(startBytes - length.byteLength, length)
}

function outputOn(
  source: GraphSource,
  sink: ByteSink,
  startBytes: number,
  written: WrittenEntry[],
  crc32: Checksum,
): WeightsOutput {
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
      await writePieces(source, sink, rest)
      await writeGraphLength(sink, startBytes)
      await writePieces(source, sink, end)
      await writeChecked(sink, ownProperties(metadata, await crcOf(sink, crc32, 0)))
      return sinkSource(sink)
    },
  }
}

/** A model whose initializers lie in the file beside it, one after another; without its own metadata. */
function modelBeside(graph: KnownGraph, entries: readonly TensorOutline[]) {
  const { start, rest, end } = graphPieces(graph, entries)
  let offset = 0
  const initializers = entries.map((entry) => {
    const initializer = externalInitializer(entry, GRAPH_VALUES, offset)
    offset += bytesOf(entry)
    return initializer
  })
  return { start, inside: [...initializers, ...rest], end }
}

function valuesOn(
  source: GraphSource,
  sink: ByteSink,
  folder: OutputFolder,
  written: WrittenEntry[],
  crc32: Checksum,
): WeightsOutput {
  let modelBytes = 0
  return {
    ...outputEnd(sink),
    get byteLength() {
      return sink.byteLength
    },
    written,
    begin: (entries) => entryWriter(sink, entries, written, crc32),
    moves: () => false,
    complete: async (metadata) => {
      const outlines = written.map(({ outline }) => outline)
      const { inside, end } = modelBeside(source.graph, outlines)
      const start = await startOf(source)
      const own = ownProperties(metadata, 0).byteLength
      const byteLength = start.byteLength + piecesBytes(inside) + piecesBytes(end) + own
      refuseLarge(byteLength)
      const model = await createStarted(folder, GRAPH, byteLength, start)
      try {
        await writePieces(source, model, inside)
        await writeGraphLength(model, start.byteLength)
        await writePieces(source, model, end)
        const crc = await crcOf(sink, crc32, await crcOf(model, crc32, 0))
        await writeChecked(model, ownProperties(metadata, crc))
        modelBytes = model.byteLength
        await model.close()
      } catch (error) {
        await model.abort()
        throw error
      }
      return sinkSource(sink)
    },
    close: async () => {
      const { byteLength } = sink
      await sink.close()
      return byteLength + modelBytes
    },
  }
}
