/** Which groups of the list are closed, for as long as the file is open. */
import { create } from 'zustand'

interface ListState {
  readonly collapsed: ReadonlySet<string>
}

export const useListState = create<ListState>(() => ({ collapsed: new Set() }))

export const listReducers = {
  collapse(keys: Iterable<string>, collapsed: boolean) {
    useListState.setState((state) => {
      const next = new Set(state.collapsed)
      for (const key of keys) {
        if (collapsed) next.add(key)
        else next.delete(key)
      }
      return { collapsed: next }
    })
  },
}
