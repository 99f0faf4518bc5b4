/** The loopback page's file dialog: the folders named when the host was started, and what lies in them. */
import { Anchor, Breadcrumbs, Button, Loader, UnstyledButton } from '@mantine/core'
import { type KeyboardEvent, useEffect, useRef } from 'react'
import type { Grant } from '../../../core/contract.ts'
import { Dialog } from '../../frame/Dialog.tsx'
import { ErrorBox } from '../../frame/ErrorBox.tsx'
import { FileIcon, FolderIcon } from '../../frame/icons.tsx'
import { useWords } from '../../words/words.ts'
import { useFolders } from './folders.ts'

interface FolderBrowserProps {
  readonly title: string
  readonly onPick: (grant: Grant) => void
  readonly onClose: () => void
  /** Files that do not end like weights are listed too. */
  readonly anyFile?: boolean
}

export function FolderBrowser({ title, onPick, onClose, anyFile = false }: FolderBrowserProps) {
  const { t } = useWords()
  const folders = useFolders()
  const here = folders.trail.at(-1)
  return (
    <Dialog onClose={onClose} size="lg" title={title}>
      <FolderTrail folders={folders} />
      <FolderEntries anyFile={anyFile} folders={folders} onFile={onPick} />
      <div className="dialog-buttons">
        <Button color="gray" onClick={onClose} variant="subtle">
          {t('app.cancel')}
        </Button>
        <Button disabled={!here} onClick={() => here && onPick(here)} variant="default">
          {t('browser.openFolder')}
        </Button>
      </div>
    </Dialog>
  )
}

interface FoldersProps {
  readonly folders: ReturnType<typeof useFolders>
}

export function FolderTrail({ folders }: FoldersProps) {
  const { t } = useWords()
  return (
    <Breadcrumbs className="trail" separatorMargin={4}>
      <Anchor component="button" onClick={() => folders.up(0)} type="button">
        {t('browser.root')}
      </Anchor>
      {folders.trail.map((folder, i) => (
        <Anchor component="button" key={folder.id} onClick={() => folders.up(i + 1)} type="button">
          {folder.name}
        </Anchor>
      ))}
    </Breadcrumbs>
  )
}

interface FolderEntriesProps extends FoldersProps {
  readonly onFile?: (grant: Grant) => void
  readonly anyFile?: boolean
}

/** Folders lead further down; files are picked, or only shown where there is no `onFile`. */
export function FolderEntries({ folders, onFile, anyFile = false }: FolderEntriesProps) {
  const { t } = useWords()
  const place = useRef<HTMLElement>(null)
  // What was pressed went with the listing it was in. The focus waits here for the next one, and goes on to its first entry.
  useEffect(() => {
    if (folders.entries && document.activeElement === place.current)
      place.current?.querySelector<HTMLElement>('button')?.focus()
  }, [folders.entries])
  return (
    <section aria-label={t('browser.entries')} className="entries-place" ref={place} tabIndex={-1}>
      <Listing
        anyFile={anyFile}
        enter={(folder) => {
          place.current?.focus()
          folders.down(folder)
        }}
        folders={folders}
        onFile={onFile}
      />
      {onFile && folders.leadingOut ? (
        <p className="dimmed entries-empty">
          {t('browser.linksOut', { number: folders.leadingOut.links, name: folders.leadingOut.serve })}
        </p>
      ) : null}
    </section>
  )
}

interface ListingProps extends FoldersProps {
  readonly enter: (folder: Grant) => void
  readonly onFile: ((grant: Grant) => void) | undefined
  readonly anyFile: boolean
}

function Listing({ folders, enter, onFile, anyFile }: ListingProps) {
  const { t, numbers } = useWords()
  if (folders.error) return <ErrorBox error={folders.error} />
  if (!folders.entries)
    return <Loader aria-label={t('browser.loading')} className="entries-loading" role="status" size="sm" />
  const shown = folders.entries.filter(
    ({ grant, weights }) => grant.kind === 'folder' || (onFile && (weights || anyFile)),
  )
  if (shown.length === 0) {
    return (
      <p className="dimmed entries-empty">
        {t(folders.trail.length === 0 ? 'browser.noFolders' : onFile ? 'browser.empty' : 'browser.noneInside')}
      </p>
    )
  }
  return (
    <ul className="entries" onKeyDown={moveFocus}>
      {shown.map(({ grant }) => (
        <li key={grant.id}>
          <UnstyledButton className="recent" onClick={() => (grant.kind === 'folder' ? enter(grant) : onFile?.(grant))}>
            {grant.kind === 'folder' ? <FolderIcon /> : <FileIcon />}
            <span className="recent-name">{grant.name}</span>
            {grant.byteLength === null || grant.kind === 'folder' ? null : (
              <span className="dimmed number">{numbers.bytes(grant.byteLength)}</span>
            )}
          </UnstyledButton>
        </li>
      ))}
    </ul>
  )
}

/** Arrows lead from entry to entry, Home and End to the ends. */
function moveFocus(event: KeyboardEvent<HTMLUListElement>): void {
  const entries = [...event.currentTarget.querySelectorAll<HTMLElement>('button')]
  const at = entries.indexOf(document.activeElement as HTMLElement)
  const targets: Readonly<Record<string, number>> = {
    ArrowDown: Math.min(entries.length - 1, at + 1),
    ArrowUp: Math.max(0, at - 1),
    Home: 0,
    End: entries.length - 1,
  }
  const target = targets[event.key]
  if (target === undefined) return
  event.preventDefault()
  entries[target]?.focus()
}
