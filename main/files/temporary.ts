/** A folder for what lives as long as the host: uploads, the sample. Removed at the end, whichever way the end comes. */
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Only this user can enter it. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ghostsvd-'))
  // 'exit' allows only synchronous work; it comes after SIGINT and SIGTERM too, where those end in process.exit.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}
