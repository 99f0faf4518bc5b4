/** How the engine is, in a word; on request its kernel, threads, how many jobs it has started and where its sketches came from. */

import { Popover, Table, UnstyledButton } from '@mantine/core'
import { useState } from 'react'
import { refreshEngineInfo } from '../frame/engine-info.ts'
import { useSession } from '../frame/session.ts'
import { useWork } from '../model/work.ts'
import { useSentences, useWords } from '../words/words.ts'

export function EngineBadge() {
  const { t } = useWords()
  const state = useSession((session) => (session.connected ? session.engine.state : 'lost'))
  const busy = useWork(({ look, selfTest }) => look !== null || selfTest !== null)
  const shown = state === 'ready' && busy ? 'busy' : state
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
        <UnstyledButton className="engine-badge" data-engine={shown} onClick={() => void toggle()}>
          <span aria-hidden="true" className="engine-dot" />
          {t(`engine.${shown}`)}
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown>
        <EngineTable />
      </Popover.Dropdown>
    </Popover>
  )
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
