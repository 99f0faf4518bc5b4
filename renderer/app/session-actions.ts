/** The life of the page: connect, ask who is there, follow the engine through death and return. */

import type { EngineStatus } from '../../core/contract.ts'
import { say } from '../../core/messages/english.ts'
import type { Message } from '../../core/messages/message.ts'
import { connect } from '../frame/connect.ts'
import { connection, setConnection } from '../frame/connection.ts'
import { refreshEngineInfo } from '../frame/engine-info.ts'
import { sessionReducers, useSession } from '../frame/session.ts'
import { expectReturn, openingLost, reopen } from '../model/file/file-actions.ts'
import { followPast } from '../model/file/past.ts'
import { rememberChoices } from '../model/file/remembered.ts'
import { loseWork, receiveJobEvent } from '../model/looking/work.ts'
import { followChoices } from '../model/planning/plan-actions.ts'
import { askForSilentRuns, hearRun, rememberWatched } from '../model/running/run-actions.ts'
import { runsReducers } from '../model/running/runs.ts'
import { carryOut } from './page-actions.ts'

/** Settles once the settings are known, so that the page is first painted in its theme and language. */
export async function startSession(): Promise<void> {
  expectReturn()
  rememberWatched()
  askForSilentRuns()
  // What the desktop wants opened at the start comes after the page has found out who is there.
  let greeted: Promise<void> = Promise.resolve()
  setConnection(
    connect({
      job: receiveJobEvent,
      run: hearRun,
      forgotten: runsReducers.forgotten,
      engine: followEngine,
      recents: sessionReducers.recents,
      refused: sessionReducers.refused,
      act: (action) => void greeted.then(() => carryOut(action)),
      connected: (open) => {
        sessionReducers.connected(open)
        if (open) greeted = greet()
        else lose(say('engine.connection-lost'))
      },
    }),
  )
  followChoices()
  followPast()
  rememberChoices()
  sessionReducers.settings(await connection().host.settings())
}

/** Asks a host that was just reached what there is to know, and its engine for the file that was open. */
async function greet(): Promise<void> {
  const { host } = connection()
  const [info, recents, runs] = await Promise.all([host.info(), host.recents(), host.runs()])
  sessionReducers.host(info)
  sessionReducers.recents(recents)
  runsReducers.listed(runs, Date.now())
  // Opening needs no kernels: the page draws the file while the engine makes them.
  const reopened = reopen(true)
  await refreshEngineInfo()
  sessionReducers.engine({ state: 'ready', reason: null })
  await reopened
}

/** Whatever the engine was doing is lost. */
function lose(reason: Message): void {
  loseWork(reason)
  openingLost(reason)
}

function followEngine(status: EngineStatus): void {
  const before = useSession.getState().engine.state
  sessionReducers.engine(status)
  if (status.state === 'died') lose(status.reason ?? say('engine.connection-lost'))
  if (status.state === 'ready' && before !== 'ready') {
    void refreshEngineInfo()
    if (useSession.getState().fileLost) void reopen(false)
  }
}
