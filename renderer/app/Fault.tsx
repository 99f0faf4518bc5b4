/**
 * What a fault of a component comes to: a sentence in its place instead of an empty page. What was chosen is in the stores and in the browser's own storage
 * (model/file/remembered.ts), so loading the page again brings it back.
 */
import { Button } from '@mantine/core'
import { Component, type ErrorInfo, type ReactNode } from 'react'
import { toErrorReport } from '../../core/errors.ts'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { useSession } from '../frame/session.ts'
import { CopyButton } from '../runs/CopyButton.tsx'
import { useWords } from '../words/words.ts'

interface FaultBoundaryProps {
  /** Another one gets its own try: a screen that failed is left by going to another. */
  readonly of: string
  readonly children: ReactNode
}
interface FaultBoundaryState {
  readonly of: string
  readonly error: unknown
  readonly failed: boolean
  /** Components around it, as React names them. */
  readonly where: string
}

/** React has boundaries as classes only. */
export class FaultBoundary extends Component<FaultBoundaryProps, FaultBoundaryState> {
  override state: FaultBoundaryState = { of: this.props.of, error: null, failed: false, where: '' }

  static getDerivedStateFromError(error: unknown): Partial<FaultBoundaryState> {
    return { error, failed: true }
  }

  static getDerivedStateFromProps(
    { of }: FaultBoundaryProps,
    state: FaultBoundaryState,
  ): Partial<FaultBoundaryState> | null {
    return of === state.of ? null : { of, error: null, failed: false, where: '' }
  }

  override componentDidCatch(_: unknown, { componentStack }: ErrorInfo): void {
    this.setState({ where: componentStack ?? '' })
  }

  override render(): ReactNode {
    const { error, failed, where, of } = this.state
    return failed ? <Fault error={error} of={of} where={where} /> : this.props.children
  }
}

interface FaultProps {
  readonly error: unknown
  readonly of: string
  readonly where: string
}

function Fault({ error, of, where }: FaultProps) {
  const { t } = useWords()
  const version = useSession(({ host }) => host?.version ?? '')
  return (
    <main className="start" data-testid="fault">
      <div className="start-column">
        <p>{t('fault.what')}</p>
        <ErrorBox error={toErrorReport(error)}>
          <Button color="red" onClick={() => location.reload()} size="compact-sm" variant="light">
            {t('app.reload')}
          </Button>
          <CopyButton label={t('fault.copy')} text={() => detailsOf({ version, of, error, where })} />
        </ErrorBox>
      </div>
    </main>
  )
}

/** For a report: which version, where, and both stacks. No name of a file, no value. */
function detailsOf({ version, of, error, where }: FaultProps & { readonly version: string }): string {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return [`GhostSVD ${version}, ${of}, ${navigator.userAgent}`, stack, where.trim()].join('\n\n')
}
