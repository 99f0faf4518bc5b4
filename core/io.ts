/**
 * How bytes enter and leave core. `main/files/files.ts` implements these over node:fs.
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
  /** A folder in this one, which need not exist until something of it is listed or opened. It may not lead out of this one by a link. */
  inside(name: string): SourceFolder
}

/** What a user picked: a file (with its siblings, for shards) or, with `entry` null, a whole folder. */
export interface PickedSource {
  readonly folder: SourceFolder
  readonly entry: string | null
}

/**
 * A file being written, under a name of its own (`.partial`) until `close` returns. What was written can be read back, so that an
 * output is verified before anybody sees it.
 */
export interface ByteSink {
  readonly name: string
  /** Bytes written so far: where the next `write` goes. */
  readonly byteLength: number
  write(bytes: Uint8Array): Promise<void>
  /** Replaces bytes that were written before, such as a header whose numbers are known at the end. */
  overwrite(start: number, bytes: Uint8Array): Promise<void>
  /** Bytes [start, end) as the file has them now; a fresh array the caller owns. */
  read(start: number, end: number): Promise<Uint8Array>
  /** Drops everything from `byteLength` on. */
  truncate(byteLength: number): Promise<void>
  /** Returns when what was written would survive a power cut. */
  sync(): Promise<void>
  /** Flush, fsync, rename into place. */
  close(): Promise<void>
  /** Flushes, closes and leaves the partial file where `resume` finds it. Closed also when it throws. */
  suspend(): Promise<void>
  /** Remove what was written. Safe to call at any time, also after a failure and after `close`, which it does not undo. */
  abort(): Promise<void>
}

/** Where an output goes: one name per file, created atomically, and readable again. */
export interface OutputFolder extends SourceFolder {
  /**
   * Locks the name for its writer until it is released: no other run touches what is unfinished under it.
   * @throws AppError `would-overwrite` where another run has it, `cannot-write`
   */
  hold(name: string): Promise<{ release(): Promise<void> }>
  /** `byteLength` is what will be written: free space is checked first. Replaces a partial file of that name. @throws AppError `cannot-write` */
  create(name: string, byteLength: number): Promise<ByteSink>
  /**
   * The partial file that `suspend` or a crash left under that name, positioned at its end; null where there is none. `byteLength` is what
   * it will have: there must be space for what is missing.
   */
  resume(name: string, byteLength: number): Promise<ByteSink | null>
  /**
   * A folder inside this one for an output of several files, `byteLength` of them together. Replaces a partial folder of that name.
   * @throws AppError `cannot-write`, `would-overwrite` for a folder that has files
   */
  subfolder(name: string, byteLength: number): Promise<OutputSubfolder>
  /** The partial folder that `suspend` or a crash left under that name, finished files included; null where there is none. */
  resumeSubfolder(name: string): Promise<OutputSubfolder | null>
  /**
   * Removes the partial file or folder of that name, where there is one. Files of an earlier output that were moved aside for it go back, unless what it was to
   * become is there (`finished`).
   */
  discard(name: string, finished?: boolean): Promise<void>
}

/** A folder being filled, under a name of its own (`.partial`) until `finish`: its files appear together or not at all. */
export interface OutputSubfolder extends OutputFolder {
  /** Gives the folder its name. Where one exists and may be overwritten, the files go into it one by one. */
  finish(): Promise<void>
  /** Leaves it where `resumeSubfolder` finds it. */
  suspend(): Promise<void>
  /** Removes the folder with all its files. Safe to call at any time, also after `finish`, which it does not undo. */
  abort(): Promise<void>
}

/** Absent before Node 22, where the collector frees them. */
type Transferable = ArrayBuffer & { transfer?(byteLength: number): ArrayBuffer }

/**
 * Frees the buffer of an array that is no longer needed, now; its views have zero length afterwards. The collector would look for
 * buffers of megabytes too late to give their memory to the next one, and too often for a heap as small as ours.
 */
export function discard({ buffer }: ArrayBufferView): void {
  if (buffer instanceof ArrayBuffer) (buffer as Transferable).transfer?.(0)
}

export function memorySource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    byteLength: bytes.byteLength,
    slice: async (start, end) => bytes.slice(start, end),
    close: async () => {},
  }
}

/** One source as a reader sees a file that was picked, with no other file beside it. */
export function pickedAlone(source: ByteSource): PickedSource {
  const { name } = source
  const folder: SourceFolder = { name: '', list: async () => [name], open: async () => source, inside: () => folder }
  return { folder, entry: name }
}
