/** A file system in memory, for tests. */
import { AppError } from '../../core/errors.ts'
import { type ByteSink, memorySource, type OutputFolder, type OutputSubfolder } from '../../core/io.ts'
import { say } from '../../core/messages/english.ts'
import { fileName } from '../../core/messages/text.ts'

/** An OutputFolder that keeps its files in memory. Partial ones are being written, or were suspended; what was not synced is not in them. */
export interface MemoryFolder extends OutputFolder {
  readonly files: Map<string, Uint8Array>
  readonly partials: Map<string, Uint8Array>
  readonly folders: Map<string, MemoryFolder>
  readonly partialFolders: Map<string, MemoryFolder>
}

export function memoryFolder(name: string, files = new Map<string, Uint8Array>()): MemoryFolder {
  const partials = new Map<string, Uint8Array>()
  const folders = new Map<string, MemoryFolder>()
  const partialFolders = new Map<string, MemoryFolder>()
  const held = new Set<string>()
  const subfolderOn = (folder: string, made: MemoryFolder): OutputSubfolder => ({
    ...made,
    finish: async () => {
      partialFolders.delete(folder)
      folders.set(folder, made)
    },
    suspend: async () => {},
    abort: async () => void partialFolders.delete(folder),
  })
  return {
    name,
    files,
    partials,
    folders,
    partialFolders,
    list: async () => [...files.keys(), ...folders.keys()],
    open: async (file) => {
      const bytes = files.get(file)
      if (!bytes) throw new AppError('not-found', say('files.not-found', { name: fileName(file) }))
      return memorySource(file, bytes)
    },
    hold: async (file) => {
      if (held.has(file)) throw new AppError('would-overwrite', say('files.being-written', { name: fileName(file) }))
      held.add(file)
      return { release: async () => void held.delete(file) }
    },
    create: async (file) => {
      partials.set(file, new Uint8Array(0))
      return memorySink(file, files, partials)
    },
    resume: async (file) => (partials.has(file) ? memorySink(file, files, partials) : null),
    subfolder: async (folder) => {
      const made = memoryFolder(folder)
      partialFolders.set(folder, made)
      return subfolderOn(folder, made)
    },
    resumeSubfolder: async (folder) => {
      const made = partialFolders.get(folder)
      return made ? subfolderOn(folder, made) : null
    },
    discard: async (each) => {
      partials.delete(each)
      partialFolders.delete(each)
    },
    inside: (folder) => folders.get(folder) ?? memoryFolder(folder),
  }
}

function memorySink(name: string, files: Map<string, Uint8Array>, partials: Map<string, Uint8Array>): ByteSink {
  let buffer = partials.get(name) ?? new Uint8Array(0)
  let byteLength = buffer.byteLength
  const save = () => partials.set(name, buffer.slice(0, byteLength))
  return {
    name,
    get byteLength() {
      return byteLength
    },
    write: async (bytes) => {
      if (byteLength + bytes.byteLength > buffer.byteLength) {
        const grown = new Uint8Array(Math.max(2 * buffer.byteLength, byteLength + bytes.byteLength))
        grown.set(buffer.subarray(0, byteLength))
        buffer = grown
      }
      buffer.set(bytes, byteLength)
      byteLength += bytes.byteLength
    },
    overwrite: async (start, bytes) => buffer.set(bytes, start),
    read: async (start, end) => buffer.slice(start, Math.min(end, byteLength)),
    truncate: async (length) => {
      byteLength = length
    },
    sync: async () => void save(),
    close: async () => {
      files.set(name, buffer.slice(0, byteLength))
      partials.delete(name)
    },
    suspend: async () => void save(),
    abort: async () => void partials.delete(name),
  }
}
