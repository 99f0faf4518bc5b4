/** Whether something can be moved from one place to another in one step: only within one disk, and on Linux only within one mount of it. */
import { constants } from 'node:fs'
import { open, readFile, stat } from 'node:fs/promises'

/** @param folder in which things grow @param target a folder or a file that is there, links followed */
export async function onOneDisk(folder: string, target: string): Promise<boolean> {
  const [from, to] = await Promise.all([folder, target].map((path) => stat(path, { bigint: true })))
  if (from!.dev !== to!.dev) return false
  const [mine, other] = await Promise.all([mountId(folder), mountId(target)])
  return mine === null || other === null || mine === other
}

/** A folder that is mounted in a second place is on the same disk, and nothing can be moved there all the same. null where the system says nothing of mounts. */
async function mountId(path: string): Promise<string | null> {
  if (process.platform !== 'linux') return null
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(() => null)
  if (!handle) return null
  try {
    const said = await readFile(`/proc/self/fdinfo/${handle.fd}`, 'utf8').catch(() => '')
    return /^mnt_id:\s*(\d+)$/m.exec(said)?.[1] ?? null
  } finally {
    await handle.close()
  }
}
