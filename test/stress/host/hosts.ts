/** A host in a process of its own, as `ghostsvd serve` starts it, and what it costs meanwhile. Linux. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openPage, type TestPage } from '../../main/loopback/page.ts'

const cli = fileURLToPath(new URL('../../../out/main/cli.js', import.meta.url))

export interface StressedHost {
  readonly url: string
  readonly child: ChildProcess
  memoryMB(): number
  /** Engines that it has now. */
  engines(): number
  /** A page that the attack is not from. @throws where the host does not answer it */
  bystander(): Promise<TestPage>
  end(): Promise<void>
}

/** @param folder what it serves; its settings and temporary files lie beside it */
export async function startHost(folder: string, home: string): Promise<StressedHost> {
  const child = spawn(process.execPath, [cli, 'serve', folder, '--port', '0'], {
    env: { ...process.env, GHOSTSVD_CONFIG: join(home, 'config'), XDG_CACHE_HOME: join(home, 'cache') },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const ended = once(child, 'exit')
  const line = await Promise.race([
    once(child.stdout!, 'data').then(([data]) => data as Buffer),
    ended.then(([status]) => {
      throw new Error(`the host ended with status ${status}: was the page built (npm run build)?`)
    }),
  ])
  const url = line.toString().trim()
  return {
    url,
    child,
    memoryMB: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1000,
    engines: () => readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && parentOf(pid) === child.pid).length,
    bystander: async () => {
      const page = await openPage(url)
      await page.host.info()
      return page
    },
    end: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

function parentOf(pid: string): number | null {
  try {
    return Number(
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) . /s, '')
        .split(' ')[0],
    )
  } catch {
    return null
  }
}
