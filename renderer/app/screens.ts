/** The page but for its first screen: what is fetched while that is looked at (later.ts). */
// What both scripts have in common is a third, evaluated before them: there too the policy has to be the first to speak.
import './policy.ts'

export { DifferenceBand } from '../outcome/DifferenceBand.tsx'
export { HistoryScreen } from '../runs/history/History.tsx'
export { RunDialogs } from '../runs/RunDialogs.tsx'
export { SelfTestScreen } from '../settings/SelfTest.tsx'
export { SettingsScreen } from '../settings/Settings.tsx'
export { Workbench } from './Workbench.tsx'
