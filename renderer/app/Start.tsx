/** Where a session begins: drop, open, try the sample, reopen a recent file. */
import { Anchor, Button, Loader, Paper, UnstyledButton } from '@mantine/core'
import { useRef, useState } from 'react'
import { fileReducers, useFile } from '../choices/file.ts'
import { useDialog } from '../frame/Dialog.tsx'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { DropIcon, FileIcon, FolderIcon, SparkIcon } from '../frame/icons.tsx'
import { sessionReducers, useSession } from '../frame/session.ts'
import { openFiles, openGrant, openSample, pickFile, pickFolder, stayHere } from '../model/file/file-actions.ts'
import { FolderBrowser } from '../runs/dialogs/FolderBrowser.tsx'
import { useWords } from '../words/words.ts'
import { PairChoice } from './PairChoice.tsx'

export function Start() {
  const { t, numbers } = useWords()
  const kind = useSession((state) => state.host?.kind ?? 'loopback')
  const recents = useSession((state) => state.recents)
  const { status, opening, error } = useFile()
  const [over, setOver] = useState(false)
  const browser = useDialog()
  const input = useRef<HTMLInputElement>(null)
  const returning = useSession((state) => state.returning)
  const busy = status === 'opening' || returning !== null

  return (
    <main className="start">
      <div className="start-column">
        <h1 className="start-title">{t('start.title')}</h1>
        <p className="dimmed start-lead">{t('start.lead')}</p>
        {/* Above what it is about: at 200 % zoom the drop zone alone fills the window. */}
        {error ? <ErrorBox error={error} onClose={fileReducers.dismissed} /> : null}
        <section
          aria-label={t('start.drop')}
          className="drop-zone"
          data-over={over}
          onDragLeave={() => setOver(false)}
          onDragOver={() => setOver(true)}
          onDrop={() => setOver(false)}
        >
          {busy ? (
            <output className="drop-busy">
              <Loader size="sm" />
              <span>
                {returning === null ? t('start.opening', { name: opening }) : t('start.returning', { name: returning })}
              </span>
              {returning === null ? null : (
                <Button onClick={stayHere} size="compact-sm" variant="subtle">
                  {t('start.stay')}
                </Button>
              )}
            </output>
          ) : (
            <>
              <span className="drop-icon">
                <DropIcon size={36} />
              </span>
              <p className="drop-text">{t('start.drop')}</p>
            </>
          )}
          <div className="drop-buttons">
            {kind === 'electron' ? (
              <>
                <Button disabled={busy} leftSection={<FileIcon />} onClick={() => void pickFile(t('start.file'))}>
                  {t('start.openFile')}
                </Button>
                <Button
                  disabled={busy}
                  leftSection={<FolderIcon />}
                  onClick={() => void pickFolder(t('start.folder'))}
                  variant="default"
                >
                  {t('start.openFolder')}
                </Button>
              </>
            ) : (
              <>
                <Button disabled={busy} leftSection={<FolderIcon />} onClick={browser.open}>
                  {t('start.browse')}
                </Button>
                <Button
                  disabled={busy}
                  leftSection={<FileIcon />}
                  onClick={() => input.current?.click()}
                  variant="default"
                >
                  {t('start.upload')}
                </Button>
                <input
                  aria-label={t('start.upload')}
                  data-testid="upload"
                  hidden
                  multiple
                  onChange={(event) => {
                    const files = [...(event.target.files ?? [])]
                    event.target.value = ''
                    if (files[0]) void openFiles(files[0].name, () => Promise.resolve(files))
                  }}
                  ref={input}
                  type="file"
                />
              </>
            )}
            <Button
              disabled={busy}
              leftSection={<SparkIcon />}
              onClick={() => void openSample(t('start.sampleName'))}
              variant="light"
            >
              {t('start.sample')}
            </Button>
          </div>
          <p className="dimmed small">{t(kind === 'electron' ? 'start.safeElectron' : 'start.safeLoopback')}</p>
        </section>
        {recents.length > 0 ? (
          <section aria-labelledby="recents">
            <h2 className="section-title" id="recents">
              {t('start.recents')}
            </h2>
            <ul className="recents">
              {recents.map((grant) => (
                <li key={grant.id}>
                  <UnstyledButton className="recent" disabled={busy} onClick={() => void openGrant(grant)}>
                    {grant.kind === 'folder' ? <FolderIcon /> : <FileIcon />}
                    <span className="recent-name">{grant.name}</span>
                    {grant.byteLength === null ? null : (
                      <span className="dimmed number">{numbers.bytes(grant.byteLength)}</span>
                    )}
                  </UnstyledButton>
                </li>
              ))}
            </ul>
          </section>
        ) : (
          <Paper className="start-hint" component="section" withBorder>
            <h2 className="section-title">{t('start.whatTitle')}</h2>
            <ol className="start-steps">
              <li>{t('start.step1')}</li>
              <li>{t('start.step2')}</li>
              <li>{t('start.step3')}</li>
            </ol>
          </Paper>
        )}
        <PairChoice busy={busy} />
        <p className="start-aside">
          <Anchor component="button" onClick={() => sessionReducers.show('selfTest')} type="button">
            {t('selfTest.open')}
          </Anchor>
          <span className="dimmed">{t('selfTest.openHelp')}</span>
        </p>
      </div>
      {browser.opened ? (
        <FolderBrowser
          onClose={browser.close}
          onPick={(grant) => {
            browser.close()
            void openGrant(grant)
          }}
          title={t('browser.openTitle')}
        />
      ) : null}
    </main>
  )
}
