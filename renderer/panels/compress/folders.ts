/** A walk through the host's folders, one listing at a time. */
import { useEffect, useState } from 'react'
import type { FolderEntry, Grant } from '../../../core/contract.ts'
import { type ErrorReport, toErrorReport } from '../../../core/errors.ts'
import { listFolder } from '../../actions/runs.ts'

export function useFolders() {
  const [trail, setTrail] = useState<readonly Grant[]>([])
  const [entries, setEntries] = useState<readonly FolderEntry[] | null>(null)
  const [error, setError] = useState<ErrorReport | null>(null)
  const here = trail.at(-1) ?? null

  useEffect(() => {
    let current = true
    setEntries(null)
    setError(null)
    listFolder(here)
      .then((listed) => {
        if (!current) return
        const only = listed[0]
        // One named folder is the place itself.
        if (here === null && listed.length === 1 && only?.grant.kind === 'folder') setTrail([only.grant])
        else setEntries(listed)
      })
      .catch((fault: unknown) => current && setError(toErrorReport(fault)))
    return () => {
      current = false
    }
  }, [here])

  return {
    trail,
    entries,
    error,
    down: (folder: Grant) => setTrail([...trail, folder]),
    /** To the first `depth` folders of the trail. */
    up: (depth: number) => setTrail(trail.slice(0, depth)),
  }
}
