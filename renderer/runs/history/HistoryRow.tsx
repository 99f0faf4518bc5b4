/** A run that ended, as a row: what it was asked for, what came of it, and what can be done with it now. */
import { Table, VisuallyHidden } from '@mantine/core'
import { recipeOf } from '../../../core/contract.ts'
import { useAttempt } from '../../frame/attempt.ts'
import { ErrorBox } from '../../frame/ErrorBox.tsx'
import { ArrowIcon, CheckIcon, CloseIcon, WarningIcon } from '../../frame/icons.tsx'
import { outcomeOfRun } from '../../model/figures/outcome.ts'
import type { RunView } from '../../model/running/runs.ts'
import { ErrorNumber, SizeChange } from '../../outcome/OutcomeFigures.tsx'
import { useGoalWords } from '../../words/goal-words.ts'
import { useErrorTitle, useSentences, useWords } from '../../words/words.ts'
import { useRunPlaces } from '../places.ts'
import { RunActions } from '../RunActions.tsx'
import { useKeptWords } from '../run-words.ts'

interface HistoryRowProps {
  readonly run: RunView
  /** Which side it is of a comparison. */
  readonly letter: 'A' | 'B' | null
  readonly onChoose: () => void
}

export function HistoryRow({ run, letter, onChoose }: HistoryRowProps) {
  const { t, numbers } = useWords()
  const goalWords = useGoalWords()
  const { error, busy, dismiss, attempt } = useAttempt()
  const { result, choices, sourceName, target } = run
  const recipe = recipeOf(run)
  const places = useRunPlaces(run.runId, result !== null)
  return (
    <Table.Tr data-run={run.state} data-testid="history-row">
      <Table.Td className="history-choose">
        {result && recipe ? (
          <label>
            <input
              aria-label={t('history.choose', { name: target })}
              checked={letter !== null}
              className="list-tick"
              onChange={onChoose}
              type="checkbox"
            />
            <strong>{letter}</strong>
          </label>
        ) : null}
      </Table.Td>
      <Table.Td className="history-run">
        <div className="history-names">
          <StateIcon run={run} />
          <span className="ellipsis" title={sourceName}>
            {sourceName}
          </span>
          <ArrowIcon size={14} />
          <span className="ellipsis history-target" title={target}>
            {target}
          </span>
        </div>
        <div className="dimmed small">
          {places && !places.targetExists ? <span className="run-gone">{t('history.gone')} · </span> : null}
          {recipe
            ? [
                goalWords(recipe.params),
                t(`compress.styles.${recipe.output}.short`),
                ...(recipe.statistics === undefined ? [] : [t('try.weighted')]),
              ].join(' · ')
            : t(`history.kinds.${choices.kind}`)}{' '}
          · {numbers.moment(run.startedAt)}
        </div>
        <Ending run={run} />
        {error ? <ErrorBox error={error} onClose={dismiss} /> : null}
      </Table.Td>
      <Table.Td className="nowrap">
        {result ? (
          <>
            <SizeChange after={result.bytesAfter} before={result.bytesBefore} />
            <div className="dimmed small">
              {t('history.share', { share: numbers.percent(result.bytesAfter / Math.max(1, result.bytesBefore)) })}
            </div>
          </>
        ) : null}
      </Table.Td>
      <Table.Td className="right nowrap">
        {result ? <ErrorNumber known={outcomeOfRun(result, run.choices.kind)} /> : null}
        {result?.statistics?.weightError != null ? (
          <div className="dimmed small">
            {t('history.ofOutputs', { weights: numbers.percent(result.statistics.weightError) })}
          </div>
        ) : null}
      </Table.Td>
      <Table.Td className="right nowrap">
        {run.endedAt === null ? null : numbers.duration(result?.elapsedMs ?? run.endedAt - run.startedAt)}
      </Table.Td>
      <Table.Td>
        <div className="history-actions">
          <RunActions attempt={attempt} busy={busy} run={run} />
        </div>
      </Table.Td>
    </Table.Tr>
  )
}

function StateIcon({ run: { state } }: { readonly run: RunView }) {
  const { t } = useWords()
  const Icon = state === 'finished' ? CheckIcon : state === 'cancelled' ? CloseIcon : WarningIcon
  return (
    <span className="history-state" data-run={state} title={t(`history.states.${state}`)}>
      <Icon size={16} />
      <VisuallyHidden>{t(`history.states.${state}`)}</VisuallyHidden>
    </span>
  )
}

/** Why it ended before it was finished, and what can be resumed. */
function Ending({ run }: { readonly run: RunView }) {
  const { t } = useWords()
  const kept = useKeptWords()
  const { state, error } = run
  const titleOf = useErrorTitle()
  const sentences = useSentences()
  if (state === 'finished') return null
  return (
    <div className="history-ending small" data-run={state}>
      {t('history.sentence', { text: error ? titleOf(error) : t(`history.states.${state}`) })}
      {t('app.gap')}
      {error && sentences(error.said)}
      {t('app.gap')}
      {kept(run)}
    </div>
  )
}
