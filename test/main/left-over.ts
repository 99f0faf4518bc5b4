/** What a run that was cut short leaves at its target, as far as its owner is told by it. */
import { writeFileSync } from 'node:fs'
import { crc32 } from '../../core/formats/archives/crc32.ts'
import { toChecksums } from '../../core/write/bits.ts'
import { lockPath } from '../../main/files/hold.ts'
import { thisProcess } from '../../main/system/process-identity.ts'

/** A journal that speaks of `finished` tensors. */
export function journalText(finished: number): string {
  const lines = ['{"journal":0}', ...Array.from({ length: finished }, () => '{}')]
  return lines.map((line) => `${line} ${toChecksums([crc32(new TextEncoder().encode(line))])}\n`).join('')
}

export function leaveUnfinished(target: string, finished = 1): void {
  writeFileSync(`${target}.partial`, 'half')
  writeFileSync(`${target}.journal.partial`, journalText(finished))
}

/** The lock of a run whose process has ended. */
export async function leaveLock(target: string): Promise<void> {
  const process = { ...(await thisProcess()), started: 'an earlier process' }
  writeFileSync(lockPath(target), JSON.stringify({ id: 'of an ended run', process, doubtful: false }))
}
