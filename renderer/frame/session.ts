/** The page itself: which screen, which host, how the engine is. */

import { create } from 'zustand'
import {
  type EngineInfo,
  type EngineStatus,
  type Grant,
  type HostInfo,
  type Settings,
  settingsSchema,
} from '../../core/contract.ts'
import type { Message } from '../../core/messages/message.ts'

export type Screen = 'start' | 'workbench' | 'history' | 'settings' | 'selfTest'

export interface SessionState {
  readonly screen: Screen
  /** Where History, Settings and Self-test go back to. */
  readonly previous: Screen
  readonly connected: boolean
  /** The host was started again and does not know this page. */
  readonly refused: boolean
  readonly engine: EngineStatus
  /** Set when an engine died and not yet dismissed: why. */
  readonly died: Message | null
  /** An engine died and took the open file along; false once that is opened again in the next. */
  readonly fileLost: boolean
  readonly host: HostInfo | null
  readonly engineInfo: EngineInfo | null
  readonly settings: Settings
  readonly recents: readonly Grant[]
  /** Name of the file that was open before a reload, until it is open again or is not going to be. */
  readonly returning: string | null
}

export const useSession = create<SessionState>(() => ({
  screen: 'start',
  previous: 'start',
  connected: false,
  refused: false,
  engine: { state: 'starting', reason: null },
  died: null,
  fileLost: false,
  host: null,
  engineInfo: null,
  settings: settingsSchema.parse({}),
  recents: [],
  returning: null,
}))

export const sessionReducers = {
  show(screen: Screen) {
    useSession.setState((state) => ({
      screen,
      previous: state.screen === 'start' || state.screen === 'workbench' ? state.screen : state.previous,
    }))
  },
  /** The file of an earlier load is open again: the workbench comes, unless one has gone elsewhere meanwhile; then Back leads to it. */
  returned() {
    useSession.setState(({ screen }) =>
      screen === 'start' ? { screen: 'workbench', previous: 'start' } : { previous: 'workbench' },
    )
  },
  returning(name: string | null) {
    useSession.setState({ returning: name })
  },
  connected(connected: boolean) {
    useSession.setState(connected ? { connected } : { connected, engine: { state: 'starting', reason: null } })
  },
  refused() {
    useSession.setState({ refused: true })
  },
  engine(engine: EngineStatus) {
    useSession.setState(
      engine.state === 'died' ? { engine, died: engine.reason, fileLost: true, engineInfo: null } : { engine },
    )
  },
  reopening() {
    useSession.setState({ fileLost: false })
  },
  dismissDeath() {
    useSession.setState({ died: null })
  },
  host(host: HostInfo) {
    useSession.setState({ host })
  },
  engineInfo(engineInfo: EngineInfo) {
    useSession.setState({ engineInfo })
  },
  settings(settings: Settings) {
    useSession.setState({ settings })
  },
  recents(recents: readonly Grant[]) {
    useSession.setState({ recents })
  },
}
