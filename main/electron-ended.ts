/** Why an Electron that ended at once could not start, from what the system says; a clause for `npm start`. */
import { dirname, join } from 'node:path'
import { say } from '../core/messages/english.ts'
import type { Message } from '../core/messages/message.ts'
import { foreign } from '../core/messages/text.ts'

export interface Ended {
  readonly code: number | null
  readonly signal: string | null
}

/** What is asked of the system, so that a test can be one. */
export interface System {
  /** A file's text, null where it cannot be read. */
  read(path: string): Promise<string | null>
  owner(path: string): Promise<{ readonly uid: number; readonly mode: number } | null>
}

/** Settings by which a Linux keeps users from making the namespaces that Chromium's sandbox is made of, at these values. */
const restrictions: readonly (readonly [name: string, value: string])[] = [
  // Ubuntu since 23.10: only programs with an AppArmor profile may.
  ['kernel/apparmor_restrict_unprivileged_userns', '1'],
  // Debian until 10, and hardened kernels.
  ['kernel/unprivileged_userns_clone', '0'],
  // Red Hat until 7.
  ['user/max_user_namespaces', '0'],
]
const setuid = 0o4000
/** What a shell and the dynamic loader end with when a library is missing, which the loader names on stderr. */
const libraryMissing = 127

export async function whyElectronEnded(program: string, { code, signal }: Ended, system: System): Promise<Message> {
  if (code === libraryMissing) return say('start.library-missing')
  for (const [name, value] of restrictions) {
    if ((await system.read(`/proc/sys/${name}`))?.trim() !== value) continue
    // With this helper the sandbox needs no namespaces of the user's.
    const helper = join(dirname(program), 'chrome-sandbox')
    const owner = await system.owner(helper)
    if (owner?.uid === 0 && (owner.mode & setuid) !== 0) break
    const setting = foreign(name.replace('/', '.'))
    return say('start.no-sandbox', { setting, value: foreign(value), helper: foreign(helper) })
  }
  return signal === null ? say('start.ended', { code: code ?? 0 }) : say('start.ended-by', { signal: foreign(signal) })
}
