/** The one connection of the page, for those who turn intents into calls. */
import type { Connection } from './connect.ts'

let current: Connection | null = null

export function setConnection(connection: Connection): void {
  current = connection
}

export function connection(): Connection {
  if (!current) throw new Error('the page is not connected yet')
  return current
}
