/** What the engine says about itself: kernel, threads, jobs started. */

import { connection } from './connection.ts'
import { sessionReducers } from './session.ts'

/** Asks again: after each job, and when it is shown. */
export async function refreshEngineInfo(): Promise<void> {
  try {
    sessionReducers.engineInfo(await connection().engine.info())
  } catch {
    // The engine went away between the question and the answer: its status event tells the user.
  }
}
