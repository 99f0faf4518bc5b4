/** A walk through the host's folders, one listing at a time. */
import { useCallback, useEffect, useState } from 'react'
import type { Grant } from '../../../core/contract.ts'
import { useAnswer } from '../../frame/answer.ts'
import { linksOut, listFolder } from '../../model/running/run-actions.ts'

const atTheRoot = async (): Promise<Grant[]> => []

/** @param from where the walk begins, as folders from a named one down; at the root where it cannot begin there */
export function useFolders(from = atTheRoot) {
  const begin = useAnswer(from)
  const [walked, setWalked] = useState<readonly Grant[] | null>(null)
  const trail = walked ?? begin.answer ?? (begin.error ? [] : null)
  const here = trail?.at(-1) ?? null

  const list = useCallback(() => listFolder(here), [here])
  const { answer: entries, error } = useAnswer(trail ? list : null)
  const lead = useCallback(async () => here && (await linksOut(here)), [here])
  // The listing says what is wrong.
  const { answer: leadingOut } = useAnswer(lead)

  // One named folder is the place itself.
  const only = here === null && entries?.length === 1 ? entries[0]!.grant : null
  useEffect(() => {
    if (only?.kind === 'folder') setWalked([only])
  }, [only])

  const way = trail ?? []
  return {
    trail: way,
    entries: only?.kind === 'folder' ? null : entries,
    leadingOut,
    error,
    down: (folder: Grant) => setWalked([...way, folder]),
    /** To the first `depth` folders of the trail. */
    up: (depth: number) => setWalked(way.slice(0, depth)),
  }
}
