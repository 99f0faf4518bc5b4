/** A loopback host as its users start it: a process of the built command line. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../../', import.meta.url))

/** The command line: the built one, or what the variable names - test/windows/host.ts runs it by Node for Windows. */
const program = resolve(root, process.env.GHOSTSVD_TEST_HOST || 'out/main/cli.js')

export interface ServingProcess {
  readonly url: string
  readonly process: ChildProcess
  /** Asks it to end, as Ctrl+C does, and waits until it has. */
  stop(): Promise<number | null>
}

/** @param configFolder settings and recents of this host alone */
export async function serveProcess(
  folders: readonly string[],
  configFolder: string,
  port = 0,
): Promise<ServingProcess> {
  const child = spawn(process.execPath, [program, 'serve', '--port', String(port), ...folders], {
    env: { ...process.env, GHOSTSVD_CONFIG: configFolder },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  // Its greeting is for a user; whatever else it says on stderr is a fault somebody wants to see.
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (!text.startsWith('The page sees ')) process.stderr.write(text)
  })
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve))
  const line = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve)
    child.on('exit', (code) => reject(new Error(`ghostsvd serve ended with exit code ${code}.`)))
  })
  return {
    url: line,
    process: child,
    stop: () => {
      child.kill('SIGINT')
      return ended
    },
  }
}

/** Processes of the engines of this host. */
export function servingEngines(host: ServingProcess): number[] {
  const listed = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' })
  return listed
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .flatMap((found) =>
      found && Number(found[2]) === host.process.pid && found[3]!.includes('engine.js') ? [Number(found[1])] : [],
    )
}
