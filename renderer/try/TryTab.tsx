/** Original beside compressed, run on the same inputs: what a model answers, how long it takes, and what it takes up. */
import { Button, Checkbox, Loader } from '@mantine/core'
import { useMemo } from 'react'
import { shareOf } from '../../core/client/job-view.ts'
import type { FileReport, Grant } from '../../core/contract.ts'
import { useAttempt } from '../frame/attempt.ts'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { type Candidate, candidatesOf, chosenOf, tryReducers, useTry } from '../model/answering/try.ts'
import { cancelTry, startTry } from '../model/answering/try-actions.ts'
import { useWork } from '../model/looking/work.ts'
import { useRuns } from '../model/running/runs.ts'
import { ModelPicker } from '../runs/dialogs/ModelPicker.tsx'
import { SampleFields } from '../runs/dialogs/SampleFields.tsx'
import { useWords } from '../words/words.ts'
import { Forms } from './Forms.tsx'
import { useFormWords } from './form-words.ts'
import { TryTable } from './TryTable.tsx'

/** As many as a job takes. */
const mostModels = 8

export function TryTab({ report }: { readonly report: FileReport }) {
  const { t, numbers } = useWords()
  const runs = useRuns((state) => state.runs)
  const { files, chosen: ids, opening, result, fault } = useTry()
  const candidates = useMemo(() => candidatesOf(runs, report.name, files), [runs, report.name, files])
  const chosen = chosenOf(candidates, ids)
  const running = useWork((state) => state.try)
  const share = running && shareOf(running.view)
  const ready = chosen.length > 0 && chosen.length <= mostModels
  return (
    <section aria-label={t('try.title')} className="try" data-testid="try">
      <div className="try-choices">
        <Candidates candidates={candidates} chosen={chosen} />
        <SampleFields use="try" />
      </div>
      <div className="ab-actions">
        {running || opening ? (
          <>
            <output className="job-status">
              <Loader size={14} />
              {t('try.running')}
              {share === null ? null : ` · ${numbers.tickPercent(Math.floor(share * 100) / 100)}`}
            </output>
            <Button color="gray" onClick={cancelTry} size="xs" variant="light">
              {t('app.cancel')}
            </Button>
          </>
        ) : (
          <Button disabled={!ready} onClick={() => void startTry()} size="xs">
            {t('try.start')}
          </Button>
        )}
        {chosen.length > mostModels ? <span className="dimmed">{t('try.tooMany', { most: mostModels })}</span> : null}
      </div>
      {fault ? <ErrorBox error={fault} onClose={() => tryReducers.failed(null)} /> : null}
      {result ? <TryTable tried={result} /> : null}
      <Forms />
    </section>
  )
}

interface CandidatesProps {
  readonly candidates: readonly Candidate[]
  readonly chosen: readonly Candidate[]
}

/** Outputs of runs from this model, and files that were picked. */
function Candidates({ candidates, chosen }: CandidatesProps) {
  const { t } = useWords()
  const words = useFormWords()
  const { error, dismiss, attempt } = useAttempt()
  const isChosen = (candidate: Candidate) => chosen.includes(candidate)
  const toggle = (candidate: Candidate) =>
    tryReducers.choose(
      candidates.filter((each) => (each === candidate ? !isChosen(each) : isChosen(each))).map(({ id }) => id),
    )
  const pick = (grant: Promise<Grant | null>) =>
    attempt(async () => {
      const picked = await grant
      if (picked) tryReducers.add(picked, chosen)
    })
  return (
    <fieldset className="samples">
      <legend>{t('try.files')}</legend>
      {candidates.length === 0 ? <p className="field-help">{t('try.none')}</p> : null}
      <div className="try-candidates">
        {candidates.map((candidate) => (
          <Checkbox
            checked={isChosen(candidate)}
            description={words(candidate.recipe)}
            key={candidate.id}
            label={candidate.name}
            onChange={() => toggle(candidate)}
            size="xs"
          />
        ))}
      </div>
      <div className="samples-row">
        <ModelPicker folders={false} label={t('try.files')} onPick={pick} testId="try-file" />
      </div>
      {error ? <ErrorBox error={error} onClose={dismiss} /> : null}
    </fieldset>
  )
}
