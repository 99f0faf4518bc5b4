/** What is at work, and how far it has come, or what is wrong; otherwise only the way to the diagnostics: kernel, threads, jobs, sketches. */

import { Popover, Table, UnstyledButton } from '@mantine/core'
import { useEffect, useState } from 'react'
import { shareOf } from '../../core/client/job-view.ts'
import { useFile } from '../choices/file.ts'
import { refreshEngineInfo } from '../frame/engine-info.ts'
import { PulseIcon } from '../frame/icons.tsx'
import { useSession } from '../frame/session.ts'
import { useWork } from '../model/looking/work.ts'
import { useRunningPlan } from '../model/planning/running-plan.ts'
import { useRuns, workOf } from '../model/running/runs.ts'
import { useSentences, useWords } from '../words/words.ts'

export function EngineBadge() {
  const { t } = useWords()
  const state = useSession((session) => (session.connected ? session.engine.state : 'lost'))
  const busy = useWork((work) =>
    [work.look, work.selfTest, work.calibrate, work.try, work.answers].some((one) => one !== null),
  )
  const atWork = useWorkUnderWay()
  const work = state === 'ready' ? atWork : null
  const title = useFile(({ report }) => report?.name)
  // Also where the page is one tab of many: what is at work, and how far.
  useEffect(() => {
    document.title = [work, title, t('app.name')].filter((part) => part != null).join(' · ')
  }, [work, title, t])
  const quiet = state === 'ready' && work === null
  const [opened, setOpened] = useState(false)
  const toggle = async () => {
    // A busy engine answers at once; one that is not there yet would keep the table waiting.
    if (!opened && state === 'ready') await refreshEngineInfo()
    setOpened(!opened)
  }
  return (
    <Popover
      onChange={setOpened}
      opened={opened}
      position="bottom-end"
      returnFocus
      shadow="md"
      trapFocus
      width={320}
      withArrow
    >
      <Popover.Target>
        <UnstyledButton
          aria-label={quiet ? t('engine.diagnostics') : undefined}
          className="engine-badge"
          data-engine={state === 'ready' && busy ? 'busy' : state}
          data-work={work !== null}
          onClick={() => void toggle()}
          title={t('engine.diagnostics')}
        >
          {quiet ? <PulseIcon /> : <span aria-hidden="true" className="engine-dot" />}
          {quiet ? null : (work ?? t(`engine.${state}`))}
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown>
        <EngineTable />
      </Popover.Dropdown>
    </Popover>
  )
}

/** The newest work of the page, of the whole house: a run that writes is at work as well. null where nothing is. */
function useWorkUnderWay(): string | null {
  const { t, numbers } = useWords()
  const { look, selfTest, calibrate, try: trying, answers } = useWork()
  const plan = useRunningPlan()
  const run = useRuns(({ runs }) => runs.find(({ state }) => state === 'running'))
  const part = (share: number | null) =>
    share === null ? '' : ` ${numbers.tickPercent(Math.floor(share * 100) / 100)}`
  if (run) {
    const { progress } = run
    const share = progress && progress.total > 0 ? progress.done / progress.total : null
    return t(`runs.works.${workOf(run)}`) + part(share)
  }
  if (selfTest) return t('selfTest.title')
  const models = trying ?? calibrate ?? answers
  if (models) return t('engine.models') + part(shareOf(models.view))
  if (plan?.long && !plan.waiting) return t('engine.analysis') + part(plan.share)
  if (look) return t(look.wish.kind === 'analyze' ? 'engine.busy' : 'engine.exact')
  return null
}

/** The engine's own account of itself. */
export function EngineTable() {
  const sentences = useSentences()
  const { t, numbers } = useWords()
  const info = useSession((session) => session.engineInfo)
  if (!info) return <p className="dimmed">{t('engine.unknown')}</p>
  const rows = [
    ['kernel', `${info.kernel} (${t(`engine.${info.arithmetic}`)})`],
    ['threads', numbers.count(info.threads)],
    ['runtime', info.runtime],
    ['pid', String(info.pid)],
  ] as const
  return (
    <>
      <Table className="engine-table" variant="vertical" withRowBorders={false}>
        <Table.Tbody>
          {rows.map(([key, value]) => (
            <Table.Tr key={key}>
              <Table.Th scope="row">{t(`engine.rows.${key}`)}</Table.Th>
              <Table.Td className="number">{value}</Table.Td>
            </Table.Tr>
          ))}
          <Table.Tr>
            <Table.Th scope="row">{t('engine.rows.jobs')}</Table.Th>
            <Table.Td className="number" data-testid="jobs-started">
              {info.jobsStarted}
            </Table.Td>
          </Table.Tr>
          <Table.Tr>
            <Table.Th scope="row">{t('tiers.sketches')}</Table.Th>
            <Table.Td className="number" data-sketches={JSON.stringify(info.sketches)} data-testid="sketches">
              {t('tiers.counters', {
                hot: numbers.count(info.sketches.hot),
                warm: numbers.count(info.sketches.warm),
                cold: numbers.count(info.sketches.cold),
                computed: numbers.count(info.sketches.stored),
              })}
            </Table.Td>
          </Table.Tr>
        </Table.Tbody>
      </Table>
      {info.notice ? <p className="dimmed">{sentences(info.notice)}</p> : null}
    </>
  )
}
