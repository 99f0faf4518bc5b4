/** What concerns the whole page: a lost connection, an engine that died, what the format reader had to say. */
import { Alert, Loader } from '@mantine/core'
import { WarningIcon } from '../icons.tsx'
import { sessionReducers, useSession } from '../store/session.ts'
import { useWords } from '../words.ts'

export function Notices() {
  const { t } = useWords()
  const connected = useSession((state) => state.connected)
  const greeted = useSession((state) => state.host !== null)
  const engine = useSession((state) => state.engine.state)
  const died = useSession((state) => state.died)
  return (
    <div aria-live="polite" className="notices">
      {greeted && !connected ? (
        <Alert color="orange" icon={<Loader color="orange" size={16} />} variant="light">
          {t('notices.lost')}
        </Alert>
      ) : null}
      {died === null ? null : (
        <Alert
          closeButtonLabel={t('app.close')}
          color="orange"
          data-testid="engine-died"
          icon={<WarningIcon />}
          onClose={sessionReducers.dismissDeath}
          variant="light"
          withCloseButton
        >
          {t('notices.died')} {died} {engine === 'ready' ? t('notices.restarted') : t('notices.restarting')}
        </Alert>
      )}
    </div>
  )
}
