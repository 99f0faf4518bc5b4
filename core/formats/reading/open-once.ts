/**
 * Keeps the members read last open: tensors are read one after another, and a deflated member is read forward. Two of them, since whoever
 * reads ahead goes to and fro between the present tensor and the next.
 */
import type { ByteSource } from '../../io.ts'

export interface Openable {
  readonly id: string
  open(): Promise<ByteSource>
}

export interface OpenOnce {
  open(openable: Openable): Promise<ByteSource>
  close(): Promise<void>
}

const KEPT = 2

export function openOnce(): OpenOnce {
  /** The one asked for last is the first. */
  let recent: { readonly id: string; readonly source: Promise<ByteSource> }[] = []
  const closeAll = async (dropped: typeof recent) => {
    // What could not be opened has nothing to close.
    for (const { source } of dropped)
      await source.then(
        (opened) => opened.close(),
        () => {},
      )
  }
  return {
    open: async (openable) => {
      const known = recent.find(({ id }) => id === openable.id)
      const entry = known ?? { id: openable.id, source: openable.open() }
      // One that could not be opened is tried again when it is asked for again.
      entry.source.catch(() => {
        recent = recent.filter((each) => each !== entry)
      })
      recent = [entry, ...recent.filter((each) => each !== known)]
      // Taken out before anything is awaited: another call finds the list as it is.
      await closeAll(recent.splice(KEPT))
      return entry.source
    },
    close: () => closeAll(recent.splice(0)),
  }
}
