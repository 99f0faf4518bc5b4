/** What concerns the whole page: a lost connection, an engine that died, a file that could not be opened, what its reader had to say. */

import { Alert, Loader } from '@mantine/core'
import { inEnglish } from '../../core/messages/english.ts'
import { isCode } from '../../core/messages/message.ts'
import { fileReducers, useFile } from '../choices/file.ts'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { WarningIcon } from '../frame/icons.tsx'
import { sessionReducers, useSession } from '../frame/session.ts'
import { useSentences, useWords } from '../words/words.ts'
import { CodeBanner } from './CodeBanner.tsx'

export function Notices() {
  const { t } = useWords()
  const sentences = useSentences()
  const { connected, refused, engine, died, host, screen } = useSession()
  const { status, opening, error, notices } = useFile()
  // The start screen shows what concerns opening in its own place.
  const elsewhere = screen !== 'start'
  const close = { closeButtonLabel: t('app.close'), withCloseButton: true } as const
  return (
    <div aria-live="polite" className="notices">
      {elsewhere ? <CodeBanner /> : null}
      {refused ? (
        <Alert color="red" data-testid="refused" icon={<WarningIcon />} role="alert" variant="light">
          {t('notices.refused')}
        </Alert>
      ) : host && !connected ? (
        <Alert color="orange" icon={<Loader color="orange" size={16} />} variant="light">
          {t('notices.lost')}
        </Alert>
      ) : null}
      {died === null ? null : (
        <Alert
          {...close}
          color="orange"
          data-testid="engine-died"
          icon={<WarningIcon />}
          onClose={sessionReducers.dismissDeath}
          variant="light"
        >
          <p className="notice-text">
            {t('notices.died')}
            {t('app.gap')}
            {sentences(died)}
            {t('app.gap')}
            {t(engine.state === 'ready' ? 'notices.restarted' : 'notices.restarting')}
          </p>
        </Alert>
      )}
      {elsewhere && status === 'opening' ? (
        <Alert color="gray" icon={<Loader color="gray" size={16} />} role="status" variant="light">
          {t('notices.opening', { name: opening })}
        </Alert>
      ) : null}
      {elsewhere && error ? <ErrorBox error={error} onClose={fileReducers.dismissed} /> : null}
      {elsewhere
        ? notices
            .filter((notice) => !isCode(notice))
            .map((notice) => (
              <Alert
                {...close}
                color="gray"
                icon={<WarningIcon />}
                key={inEnglish(notice)}
                onClose={() => fileReducers.dismissNotice(notice)}
                variant="light"
              >
                <p className="notice-text">{sentences(notice)}</p>
              </Alert>
            ))
        : null}
    </div>
  )
}
