/** Buttons that pick a file beside the open one, or a folder, by whatever the host has for it. */
import { Button } from '@mantine/core'
import { useRef } from 'react'
import type { Grant } from '../../../core/contract.ts'
import { connection } from '../../frame/connection.ts'
import { useDialog } from '../../frame/Dialog.tsx'
import { FileIcon, FolderIcon } from '../../frame/icons.tsx'
import { useSession } from '../../frame/session.ts'
import { useWords } from '../../words/words.ts'
import { FolderBrowser } from './FolderBrowser.tsx'

interface ModelPickerProps {
  /** What it is picked for. */
  readonly label: string
  readonly disabled?: boolean
  readonly onPick: (grant: Promise<Grant | null>) => void
  /** Whether a folder is one thing too. */
  readonly folders?: boolean
  /** Files that do not end like weights are listed too. */
  readonly anyFile?: boolean
  /** Of the field for uploads. */
  readonly testId?: string
}

export function ModelPicker({
  label,
  disabled = false,
  onPick,
  folders = true,
  anyFile = false,
  testId,
}: ModelPickerProps) {
  const { t } = useWords()
  const desktop = useSession((state) => state.host?.kind === 'electron')
  const browser = useDialog()
  const input = useRef<HTMLInputElement>(null)
  const named = (what: string) => t('app.named', { label, what })
  const button = { disabled, size: 'compact-sm', variant: 'default' } as const
  return (
    <>
      <div className="model-picker">
        {desktop ? (
          <>
            <Button
              {...button}
              aria-label={named(t('pair.file'))}
              leftSection={<FileIcon size={16} />}
              onClick={() => onPick(connection().host.pickFile())}
            >
              {t('pair.file')}
            </Button>
            {folders ? (
              <Button
                {...button}
                aria-label={named(t('pair.folder'))}
                leftSection={<FolderIcon size={16} />}
                onClick={() => onPick(connection().host.pickFolder())}
              >
                {t('pair.folder')}
              </Button>
            ) : null}
          </>
        ) : (
          <>
            <Button
              {...button}
              aria-label={named(t('pair.browse'))}
              leftSection={<FolderIcon size={16} />}
              onClick={browser.open}
            >
              {t('pair.browse')}
            </Button>
            <Button
              {...button}
              aria-label={named(t('pair.upload'))}
              leftSection={<FileIcon size={16} />}
              onClick={() => input.current?.click()}
            >
              {t('pair.upload')}
            </Button>
            <input
              aria-label={named(t('pair.upload'))}
              data-testid={testId}
              hidden
              multiple={folders}
              onChange={(event) => {
                const files = [...(event.target.files ?? [])]
                event.target.value = ''
                if (files[0]) onPick(connection().grantFiles(files))
              }}
              ref={input}
              type="file"
            />
          </>
        )}
      </div>
      {browser.opened ? (
        <FolderBrowser
          anyFile={anyFile}
          onClose={browser.close}
          onPick={(picked) => {
            browser.close()
            onPick(Promise.resolve(picked))
          }}
          title={t('browser.openTitle')}
        />
      ) : null}
    </>
  )
}
