/**
 * How bytes enter and leave core. `main/files.ts` implements these over node:fs; the in-memory pair serves tests.
 * The only way core touches the outside: no path ever enters this room.
 */

/** Random access to one file's bytes. */
export interface ByteSource {
  /** File name without its folder, for messages. */
  readonly name: string
  readonly byteLength: number
  /**
   * Bytes [start, end); a fresh array the caller owns.
   * @throws AppError `source-changed` when the file is no longer the one that was opened
   */
  slice(start: number, end: number): Promise<Uint8Array>
  close(): Promise<void>
}

/** A folder of sources. Names are single path components: no separator, no `..`. */
export interface SourceFolder {
  readonly name: string
  list(): Promise<readonly string[]>
  /** @throws AppError `not-found`, `bad-file` for a name that is not a single component */
  open(name: string): Promise<ByteSource>
}

/** What a user picked: a file (with its siblings, for shards) or, with `entry` null, a whole folder. */
export interface PickedSource {
  readonly folder: SourceFolder
  readonly entry: string | null
}

/** A file being written. Nothing is visible under the final name until `close` returns. */
export interface ByteSink {
  readonly name: string
  write(bytes: Uint8Array): Promise<void>
  /** Flush, fsync, rename into place. */
  close(): Promise<void>
  /** Remove what was written. Safe to call at any time, also after a failure. */
  abort(): Promise<void>
}

/** Where an output goes: one name per file, created atomically, and readable again for verification. */
export interface OutputFolder extends SourceFolder {
  create(name: string, byteLength: number): Promise<ByteSink>
}

export function memorySource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    byteLength: bytes.byteLength,
    slice: async (start, end) => bytes.slice(start, end),
    close: async () => {},
  }
}

/** An OutputFolder that keeps its files in memory. */
export function memoryFolder(
  name: string,
  files = new Map<string, Uint8Array>(),
): OutputFolder & { readonly files: Map<string, Uint8Array> } {
  return {
    name,
    files,
    list: async () => [...files.keys()],
    open: async (file) => {
      const bytes = files.get(file)
      if (!bytes) throw new Error(`${file}: not in ${name}`)
      return memorySource(file, bytes)
    },
    create: async (file) => {
      const parts: Uint8Array[] = []
      return {
        name: file,
        write: async (bytes) => void parts.push(bytes.slice()),
        close: async () => {
          const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0))
          let offset = 0
          for (const part of parts) {
            whole.set(part, offset)
            offset += part.byteLength
          }
          files.set(file, whole)
        },
        abort: async () => {
          parts.length = 0
        },
      }
    },
  }
}
