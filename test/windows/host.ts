/**
 * The command line by Node for Windows, as a program of this system: `GHOSTSVD_TEST_HOST=test/windows/host.ts npx playwright test ...` drives
 * the page against a host on Windows. Paths are handed over as Windows names them; Ctrl+C ends it as TerminateProcess does.
 */
import { isAbsolute, join } from 'node:path'
import { startWindowsNode, windowsPath } from './wine.ts'

const program = join(import.meta.dirname, '../../out/main/cli.js')
const words = process.argv.slice(2).map((word) => (isAbsolute(word) ? windowsPath(word) : word))
const host = startWindowsNode([windowsPath(program), ...words], { timeoutMs: 2 ** 31 - 1 })

let written = 0
function show(): void {
  const said = host.said()
  process.stdout.write(said.slice(written))
  written = said.length
}
const watch = setInterval(show, 50)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, host.kill)
const { status, stdout, stderr } = await host.ended
clearInterval(watch)
process.stdout.write((stdout + stderr).slice(written))
process.exitCode = status ?? 0
