/** Keeps the member read last open: tensors are read one after another, and a deflated member is read forward. */
import type { ByteSource } from '../io.ts'

export interface Openable {
  readonly id: string
  open(): Promise<ByteSource>
}

export interface OpenOnce {
  open(openable: Openable): Promise<ByteSource>
  close(): Promise<void>
}

export function openOnce(): OpenOnce {
  let current: { readonly id: string; readonly source: Promise<ByteSource> } | null = null
  const close = async () => {
    const last = current
    current = null
    await (await last?.source)?.close()
  }
  return {
    open: async (openable) => {
      if (current?.id === openable.id) return current.source
      await close()
      const source = openable.open()
      current = { id: openable.id, source }
      return source
    },
    close,
  }
}
