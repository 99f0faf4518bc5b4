/** What a finished run came to, and what one does with it: its place, opening it, loading it, running it again. */
import { Button, Tabs } from '@mantine/core'
import type { RunResult as Result, TensorOutcome } from '../../core/contract.ts'
import { useSession } from '../frame/session.ts'
import { isTryable } from '../model/answering/try.ts'
import { tryRun } from '../model/answering/try-actions.ts'
import { outcomeOfRun } from '../model/figures/outcome.ts'
import { downloadResult, openResult } from '../model/running/result-actions.ts'
import { showInFolder } from '../model/running/run-actions.ts'
import type { RunView } from '../model/running/runs.ts'
import { OutcomeFigures } from '../outcome/OutcomeFigures.tsx'
import { useWords } from '../words/words.ts'
import { CopyButton } from './CopyButton.tsx'
import { useRunPlaces, useRunTexts } from './places.ts'

interface RunResultProps {
  readonly run: RunView
  readonly report: Result
  /** Empty until the host has sent them. */
  readonly tensors: readonly TensorOutcome[]
  readonly attempt: (act: () => unknown) => void
  readonly onClose: () => void
}

export function RunResult({ run, report, tensors, attempt, onClose }: RunResultProps) {
  const { t, numbers } = useWords()
  const desktop = useSession(({ host }) => host?.kind === 'electron')
  const places = useRunPlaces(run.runId, true)
  const texts = useRunTexts(run, places, tensors)
  const codes = (['verify', 'python', 'command'] as const).flatMap((which) => {
    const text = texts?.[which] ?? null
    return text === null ? [] : [{ which, text }]
  })
  const gone = places !== null && !places.targetExists
  return (
    <section aria-label={t('result.of')} className="run-result-box">
      <div className="outcome-plain">
        <OutcomeFigures outcome={outcomeOfRun(report, run.choices.kind)} />
      </div>
      <p className="dimmed small number">
        {report.peakBytes === undefined
          ? numbers.duration(report.elapsedMs)
          : t('run.tookIn', { time: numbers.duration(report.elapsedMs), memory: numbers.bytes(report.peakBytes) })}
        {report.device !== undefined && ` · ${t('run.productsBy', { device: report.device })}`}
      </p>
      <div className="run-place">
        <code data-testid="run-path">{places?.target ?? run.target}</code>
        <CopyButton label={t('run.copyPath')} text={() => places?.target ?? run.target} />
        {desktop ? (
          <Button
            disabled={gone}
            onClick={() => attempt(() => showInFolder(run.runId))}
            size="compact-sm"
            variant="default"
          >
            {t('run.show')}
          </Button>
        ) : report.files === 1 ? (
          <Button
            disabled={gone}
            onClick={() => attempt(() => downloadResult(run))}
            size="compact-sm"
            variant="default"
          >
            {t('run.download')}
          </Button>
        ) : null}
        {isTryable(run) ? (
          <Button
            disabled={gone}
            onClick={() => {
              onClose()
              attempt(() => tryRun(run))
            }}
            size="compact-sm"
          >
            {t('try.it')}
          </Button>
        ) : null}
        <Button
          disabled={gone}
          onClick={() => {
            onClose()
            void openResult(run)
          }}
          size="compact-sm"
          variant={isTryable(run) ? 'default' : 'filled'}
        >
          {t('run.open')}
        </Button>
      </div>
      {gone ? <p className="run-gone small">{t('run.gone')}</p> : null}
      {codes.length > 0 ? <Codes codes={codes} /> : null}
    </section>
  )
}

type Code = { readonly which: 'verify' | 'python' | 'command'; readonly text: string }

/** Lines to be copied, each under its tab. */
function Codes({ codes }: { readonly codes: readonly Code[] }) {
  const { t } = useWords()
  return (
    <Tabs defaultValue={codes[0]?.which ?? null} keepMounted={false} variant="pills">
      <div className="run-code-head">
        <Tabs.List>
          {codes.map(({ which }) => (
            <Tabs.Tab key={which} value={which}>
              {t(`run.code.${which}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
      </div>
      {codes.map(({ which, text }) => (
        <Tabs.Panel key={which} value={which}>
          <div className="run-code">
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
            <pre data-testid={`run-${which}`} tabIndex={0}>
              {text}
            </pre>
            <CopyButton label={t('run.copy')} text={() => text} />
          </div>
        </Tabs.Panel>
      ))}
    </Tabs>
  )
}
