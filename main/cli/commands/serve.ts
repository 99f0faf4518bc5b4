/** `ghostsvd serve`: the page in a browser, from this machine; reached over SSH with `ssh -L PORT:127.0.0.1:PORT`. */
import { resolve } from 'node:path'
import { Command } from 'commander'
import { say } from '../../../core/messages/english.ts'
import { serveUntilStopped } from '../../loopback/serve.ts'
import { print, safe } from '../print.ts'
import { wrongUsage } from '../usage.ts'

const largestPort = 65535

export function serveCommand(): Command {
  return new Command('serve')
    .description('open the page in a browser of this machine, or of another one through ssh -L')
    .argument('[folder...]', 'what the page can see; without one, the current folder')
    .option('--port <number>', 'port on 127.0.0.1; 0: any free one', parsePort, 0)
    .action(async (folders: string[], { port }: { port: number }) => {
      const seen = (folders.length > 0 ? folders : ['.']).map((folder) => resolve(folder))
      await serveUntilStopped({ folders: seen, port }, print)
      // The link alone on stdout, for a script that opens it.
      process.stderr.write(`The page sees ${seen.map(safe).join(', ')}. Ctrl+C ends it.\n`)
      // A signal ends the process; until then the command has not ended.
      await new Promise(() => {})
    })
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > largestPort) throw wrongUsage(say('param.range', { min: 0, max: largestPort }))
  return port
}
