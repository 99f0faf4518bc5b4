/** The goal on what a model that runs answers: its fields, how the search for it goes, and what was found. */
import { Anchor, Button, Progress, Select } from '@mantine/core'
import { shareOf } from '../../core/client/job-view.ts'
import type { AnswerGoal } from '../../core/contract.ts'
import { phaseWords } from '../../core/phases.ts'
import { ShareInput } from '../choices/ParamField.tsx'
import { useSamples } from '../choices/samples.ts'
import { selectionReducers } from '../choices/selection.ts'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import {
  cancelForms,
  compareForms,
  dismissForms,
  isMissed,
  setAnswerGoal,
  useAnswerGoal,
  useAnswers,
} from '../model/answering/answers.ts'
import { useWork } from '../model/looking/work.ts'
import { usePlan } from '../model/planning/plan.ts'
import { atStart, useSentences, useWords } from '../words/words.ts'

/** Where a goal starts when nothing better is known. */
export const firstAnswerGoals = {
  error: { kind: 'error', most: 0.1 },
  agreement: { kind: 'agreement', least: 0.98 },
} as const satisfies Record<AnswerGoal['kind'], AnswerGoal>
const goalRange = { min: 0.001, max: 1, step: 0.01 } as const

/** Its share: most of an error, or least of the rows. */
export function AnswerShare({ goal }: { readonly goal: AnswerGoal }) {
  const { t } = useWords()
  return (
    <ShareInput
      aria-label={t(`forms.goals.${goal.kind}`)}
      entry={goalRange}
      onChange={(share) =>
        setAnswerGoal(goal.kind === 'error' ? { kind: 'error', most: share } : { kind: 'agreement', least: share })
      }
      size="xs"
      value={goal.kind === 'error' ? goal.most : goal.least}
    />
  )
}

export function AnswerGoalFields({ goal }: { readonly goal: AnswerGoal }) {
  const { t } = useWords()
  return (
    <>
      <AnswerShare goal={goal} />
      <Select
        allowDeselect={false}
        aria-label={t('forms.goal')}
        className="goal-scope of-answers"
        comboboxProps={{ width: 200, position: 'bottom-start' }}
        data={(['error', 'agreement'] as const).map((value) => ({ value, label: t(`forms.goals.${value}`) }))}
        onChange={(kind) => kind !== null && setAnswerGoal(firstAnswerGoals[kind as AnswerGoal['kind']])}
        size="xs"
        value={goal.kind}
      />
      <FoundAnswer />
    </>
  )
}

/** What the form that was found says to the inputs that were held out. */
function FoundAnswer() {
  const { t, numbers } = useWords()
  const found = useAnswerGoal()?.found
  if (!found) return null
  const { form, heldOut } = found.row
  const said = [
    ...(heldOut.error === null ? [] : [t('outcome.answers.error', { error: numbers.percent(heldOut.error) })]),
    ...(heldOut.agreement === null ? [] : [t('outcome.answers.same', { share: numbers.percent(heldOut.agreement) })]),
  ]
  const [error = '', same] = said
  return (
    <span className="outcome-hint" data-form={form} data-testid="answers-found">
      {t('outcome.answers.found', {
        form: t(`forms.names.${form}`),
        number: numbers.count(found.heldOut),
        said: same === undefined ? error : t('outcome.answers.both', { error, same }),
      })}
    </span>
  )
}

/** In place of an outcome, which nobody knows before forms have been run. */
export function AnswerSearch() {
  const { t, numbers } = useWords()
  const sentences = useSentences()
  const answers = useAnswers()
  const { fault } = answers
  const recipe = usePlan(({ question }) => question?.recipe)
  const given = useSamples((state) => state.given.try.length)
  const running = useWork((state) => state.answers)
  const missed = isMissed(answers, recipe)
  if (running) {
    const share = shareOf(running.view) ?? 0
    const phase = running.view.progress?.phase
    return (
      <div className="analysis" data-testid="answers-search">
        <p className="outcome-unknown">{t('outcome.answers.searching')}</p>
        <Progress aria-label={t('outcome.answers.searching')} value={100 * share} />
        <p>
          {phase ? atStart(sentences(phaseWords(phase))) : t('try.running')} ·{' '}
          {numbers.tickPercent(Math.floor(share * 100) / 100)}
        </p>
      </div>
    )
  }
  return (
    <div className="analysis" data-testid="answers-search">
      <p className="outcome-unknown">{t(missed ? 'forms.noneChosen' : 'outcome.answers.open')}</p>
      <p>{t('outcome.answers.help')}</p>
      <p>
        {t(given > 0 ? 'outcome.answers.given' : 'outcome.answers.drawn', { number: numbers.count(given) })}{' '}
        <Anchor component="button" onClick={() => selectionReducers.tab('try')} type="button">
          {t('outcome.answers.choose')}
        </Anchor>
      </p>
      {fault ? <ErrorBox error={fault} onClose={dismissForms} /> : null}
    </div>
  )
}

/** Begins the search, or ends it. */
export function SearchButton() {
  const { t } = useWords()
  const opening = useAnswers((state) => state.opening)
  const running = useWork((state) => state.answers !== null)
  return running || opening ? (
    <Button color="gray" onClick={cancelForms} variant="light">
      {t('app.cancel')}
    </Button>
  ) : (
    <Button onClick={() => void compareForms(true)}>{t('outcome.answers.find')}</Button>
  )
}
