/** Where a file goes that is about to be written: by the system's own dialog on the desktop, else a folder of the host and a name in it. */
import { TextInput } from '@mantine/core'
import { useMemo, useState } from 'react'
import type { Grant } from '../../../core/contract.ts'
import { useSession } from '../../frame/session.ts'
import { createTarget, lastOutputFolder, pickTarget } from '../../model/running/run-actions.ts'
import { useWords } from '../../words/words.ts'
import { FolderEntries, FolderTrail } from './FolderBrowser.tsx'
import { useFolders } from './folders.ts'

/** @param suggest the name until the user says otherwise, beside those that are `taken` */
export function useTarget(suggest: (taken: ReadonlySet<string>) => string) {
  const desktop = useSession((state) => state.host?.kind === 'electron')
  const [ownName, setName] = useState<string | null>(null)
  const folders = useFolders(lastOutputFolder)
  const folder = folders.trail.at(-1)
  const taken = useMemo(
    () => new Set(folder && folders.entries?.map(({ grant }) => grant.name)),
    [folder, folders.entries],
  )
  const name = ownName ?? suggest(taken)
  return {
    desktop,
    folders,
    name,
    setName,
    isTaken: taken.has(name),
    ready: desktop || (folder !== undefined && name.trim() !== '' && !taken.has(name)),
    /** null where the user has thought better of it. The system's own dialog asks before it names a file that exists. */
    choose: async (): Promise<Grant | null> =>
      desktop ? await pickTarget(name) : folder ? await createTarget(folder, name) : null,
  }
}

interface TargetFieldsProps {
  readonly target: ReturnType<typeof useTarget>
  readonly label: string
}

export function TargetFields({ target: { desktop, folders, name, setName, isTaken }, label }: TargetFieldsProps) {
  const { t } = useWords()
  if (desktop) return null
  return (
    <fieldset aria-label={t('compress.where')} className="target">
      {/* The name first: what folders there are may be long. */}
      <TextInput
        error={isTaken ? t('compress.taken', { name }) : null}
        label={label}
        onChange={(event) => setName(event.currentTarget.value)}
        spellCheck={false}
        value={name}
      />
      <div className="target-folder">
        <span className="target-label">{t('compress.where')}</span>
        <FolderTrail folders={folders} />
      </div>
      <FolderEntries folders={folders} />
    </fieldset>
  )
}
