/** Settings on their way from the page to the host. */
import type { Settings } from '../../core/contract.ts'
import { connection } from '../frame/connection.ts'
import { sessionReducers } from '../frame/session.ts'

export async function saveSettings(settings: Settings): Promise<void> {
  sessionReducers.settings(settings)
  await connection().host.saveSettings(settings)
}
