/** A process and all that it has started, as /proc knows them. Linux only. */
import { readdirSync, readFileSync } from 'node:fs'

export interface Process {
  readonly pid: number
  readonly parent: number
  /** Chromium's `--type=`, empty for the first process. */
  readonly type: string
}

export function descendants(of: number): Process[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid): Process[] => {
      try {
        const parent = Number(/^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))![1])
        const type = /--type=([\w-]+)/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.[1] ?? ''
        return [{ pid: Number(pid), parent, type }]
      } catch {
        // It ended while it was read.
        return []
      }
    })
  const found = all.filter(({ pid }) => pid === of)
  for (const { pid } of found) found.push(...all.filter(({ parent }) => parent === pid))
  return found
}
