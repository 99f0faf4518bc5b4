/** A walk through the host's folders, one listing at a time. */
import { useEffect, useState } from 'react'
import type { FolderEntry, Grant, LinksOut } from '../../../core/contract.ts'
import { type ErrorReport, toErrorReport } from '../../../core/errors.ts'
import { linksOut, listFolder } from '../../model/running/run-actions.ts'

const atTheRoot = async (): Promise<Grant[]> => []

/** @param from where the walk begins, as folders from a named one down; asked once */
export function useFolders(from = atTheRoot) {
  const [trail, setTrail] = useState<readonly Grant[] | null>(null)
  const [entries, setEntries] = useState<readonly FolderEntry[] | null>(null)
  const [leadingOut, setLeadingOut] = useState<LinksOut | null>(null)
  const [error, setError] = useState<ErrorReport | null>(null)
  const here = trail?.at(-1) ?? null
  const begun = trail !== null

  useEffect(() => {
    let current = true
    // Wherever it cannot begin, it begins at the root.
    from().then(
      (folders) => current && setTrail(folders),
      () => current && setTrail([]),
    )
    return () => {
      current = false
    }
  }, [from])

  useEffect(() => {
    if (!begun) return
    let current = true
    setEntries(null)
    setError(null)
    setLeadingOut(null)
    if (here)
      linksOut(here).then(
        (found) => current && setLeadingOut(found),
        // The listing says what is wrong.
        () => {},
      )
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
  }, [here, begun])

  const walked = trail ?? []
  return {
    trail: walked,
    entries,
    leadingOut,
    error,
    down: (folder: Grant) => setTrail([...walked, folder]),
    /** To the first `depth` folders of the trail. */
    up: (depth: number) => setTrail(walked.slice(0, depth)),
  }
}
