/** An Electron that ends at once: the clause names what the system forbids, and what allows it. */
import { describe, expect, it } from 'vitest'
import { inEnglish } from '../../core/messages/english.ts'
import { type Ended, type System, whyElectronEnded } from '../../main/electron-ended.ts'
import { can } from '../system.ts'

const program = '/opt/a folder/electron'
const helper = '/opt/a folder/chrome-sandbox'

function system(files: Record<string, string>, owners: Record<string, { uid: number; mode: number }> = {}): System {
  return { read: async (path) => files[path] ?? null, owner: async (path) => owners[path] ?? null }
}
const whyEnded = async (program: string, ended: Ended, system: System) =>
  inEnglish(await whyElectronEnded(program, ended, system))
const ubuntu = { '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1\n' }
const aborted = { code: null, signal: 'SIGTRAP' }

describe.runIf(can.posix)('an Electron that ended at once', () => {
  it('lacks the sandbox that Ubuntu keeps from it', async () => {
    expect(await whyEnded(program, aborted, system(ubuntu, { [helper]: { uid: 1000, mode: 0o100755 } }))).toBe(
      'this system keeps programs from making the sandbox that Electron needs: kernel.apparmor_restrict_unprivileged_userns is 1. ' +
        'Allow it for this program: sudo chown root "/opt/a folder/chrome-sandbox" && sudo chmod 4755 "/opt/a folder/chrome-sandbox"',
    )
  })

  it.each([
    ['kernel/unprivileged_userns_clone', '0'],
    ['user/max_user_namespaces', '0'],
  ])('lacks the sandbox where %s is %s', async (name, value) => {
    const why = await whyEnded(program, aborted, system({ [`/proc/sys/${name}`]: value }))
    expect(why).toContain(`${name.replace('/', '.')} is ${value}`)
  })

  it('has a sandbox where its helper is setuid, or where the system does not restrict it', async () => {
    const plain = 'it ended at once with SIGTRAP'
    expect(await whyEnded(program, aborted, system(ubuntu, { [helper]: { uid: 0, mode: 0o104755 } }))).toBe(plain)
    const open = { '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '0\n' }
    expect(await whyEnded(program, aborted, system(open))).toBe(plain)
  })

  it('lacks a library, or says how it ended', async () => {
    expect(await whyEnded(program, { code: 127, signal: null }, system(ubuntu))).toBe(
      'a library of the system is missing, as said above',
    )
    expect(await whyEnded(program, { code: 1, signal: null }, system({}))).toBe('it ended at once with exit code 1')
  })
})
