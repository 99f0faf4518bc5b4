/** A/B: two ways to factorize the tensor on show, what each costs and reaches, and one sentence about it. */

import { Button, Loader, Tooltip } from '@mantine/core'
import { useMemo } from 'react'
import { shareOf } from '../../core/client/job-view.ts'
import type { UnderWay } from '../../core/client/latest.ts'
import { phaseWords } from '../../core/phases.ts'
import { useFile } from '../choices/file.ts'
import { useParams } from '../choices/params.ts'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { useSession } from '../frame/session.ts'
import { useRankShown } from '../model/figures/rank-shown.ts'
import { isStale, methodOf, sideNames, sidesOf, useVersus, versusReducers } from '../model/looking/versus.ts'
import { cancelVersus, runVersus } from '../model/looking/versus-actions.ts'
import type { TensorView } from '../model/looking/view.ts'
import { useWork, type VersusWish, versusUnderWay } from '../model/looking/work.ts'
import { useSentences, useWords } from '../words/words.ts'
import { SideColumn } from './SideColumn.tsx'
import { VersusOutcome } from './VersusOutcome.tsx'

/** Seeds of a run that shows what is owed to chance: enough that ranges which do not touch mean something. */
const seedsOfSpread = 5

export function AbTab({ view }: { readonly view: TensorView }) {
  const { t } = useWords()
  const { tensor, size } = view
  const { rank } = useRankShown(view)
  const chosen = useVersus((state) => state.chosen)
  const params = useParams((state) => state.params)
  const sides = useMemo(() => sidesOf(chosen, { ...params, rank }, size), [chosen, params, rank, size])
  const result = useVersus((state) => state.results[tensor.name])
  const failure = useVersus((state) => state.failures[tensor.name])
  const running = useWork((state) => {
    const underWay = versusUnderWay(state)
    return underWay?.wish.tensor === tensor.name ? underWay : null
  })
  const ready = useEngineReady()
  const chance = sideNames.some((side) => methodOf(sides[side], size) === 'randomized')
  return (
    <section aria-label={t('ab.title')} className="ab">
      <div className="ab-sides">
        {sideNames.map((side) => (
          <SideColumn key={side} side={side} sides={sides} size={size} />
        ))}
      </div>
      <div className="ab-actions">
        {running ? (
          <Progress running={running} />
        ) : (
          <>
            <Button disabled={!ready} onClick={() => runVersus(sides, 1)} size="xs">
              {t('ab.run')}
            </Button>
            <Tooltip label={t('ab.runSeedsHelp')} multiline w={280}>
              <Button
                disabled={!ready || !chance}
                onClick={() => runVersus(sides, seedsOfSpread)}
                size="xs"
                variant="default"
              >
                {t('ab.runSeeds', { count: seedsOfSpread })}
              </Button>
            </Tooltip>
          </>
        )}
        <span className="ab-arrange">
          <Button
            disabled={running !== null}
            onClick={() => versusReducers.swap(sides)}
            size="compact-xs"
            variant="subtle"
          >
            {t('ab.swap')}
          </Button>
          <Tooltip label={t('ab.followHelp')} multiline w={240}>
            <Button disabled={chosen === null} onClick={versusReducers.follow} size="compact-xs" variant="subtle">
              {t('ab.follow')}
            </Button>
          </Tooltip>
        </span>
      </div>
      {failure ? <ErrorBox error={failure} /> : null}
      {result ? (
        <VersusOutcome result={result} stale={isStale(result, sides, size)} />
      ) : (
        <p className="dimmed small">{t('ab.offer')}</p>
      )}
    </section>
  )
}

function Progress({ running: { jobId, view } }: { readonly running: UnderWay<VersusWish> }) {
  const { t, numbers } = useWords()
  const sentences = useSentences()
  const share = shareOf(view)
  return (
    <div className="ab-progress" data-job={jobId ?? ''} data-testid="ab-progress">
      <Loader size={14} />
      <output>
        {[
          t('ab.running'),
          view.progress && sentences(phaseWords(view.progress.phase)),
          share === null ? null : numbers.tickPercent(Math.floor(share * 100) / 100),
        ]
          .filter(Boolean)
          .join(' · ')}
      </output>
      <Button onClick={cancelVersus} size="compact-xs" variant="default">
        {t('app.cancel')}
      </Button>
    </div>
  )
}

/** There is an engine and the file is open in it. */
function useEngineReady(): boolean {
  const engine = useSession((state) => state.engine.state)
  const file = useFile((state) => state.status)
  return engine === 'ready' && file === 'open'
}
