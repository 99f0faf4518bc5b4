/**
 * `npm start`: the application in Electron; where its runtime is absent, one line that says so, and the same page from the loopback
 * host in the system's browser. `npm start -- FOLDER...` names what that page may see (the application has
 * dialogs instead); without one it is the user's own folder.
 */
import { spawn } from 'node:child_process'
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { browserCommand, launch, whichOnPath } from './browser.ts'
import { findRuntime, thisMachine } from './electron-runtime.ts'
import { serveUntilStopped } from './loopback/serve.ts'

/** An Electron that ends sooner than this with an error never showed a window: a library of the system is missing. */
const startMs = 5000

const folders = process.argv.slice(2)
const runtime = await findRuntime(thisMachine())
const failure = 'program' in runtime ? await runElectron(runtime.program) : runtime.missing
if (failure !== null) await openInBrowser(failure)

/** Null once the application has run, or why it could not. */
function runElectron(program: string): Promise<string | null> {
  const started = performance.now()
  return new Promise((settle) => {
    const child = spawn(program, [resolve(import.meta.dirname, '../..')], { stdio: 'inherit' })
    child.on('error', (error) => settle(error.message))
    child.on('exit', (code, signal) => {
      if (code === 0 || performance.now() - started > startMs) {
        process.exitCode = code ?? 1
        settle(null)
      } else settle(`it ended at once with ${signal ?? `exit code ${code}`}`)
    })
  })
}

async function openInBrowser(why: string): Promise<void> {
  console.log(`Electron's runtime cannot be used (${why}); the page opens in a browser instead.`)
  const serving = await serveUntilStopped({ folders: folders.length > 0 ? folders : [homedir()], port: 0 })
  const command = await browserCommand(serving.oneTimeUrl(), {
    environment: process.env,
    platform: process.platform,
    which: whichOnPath,
  })
  if (command) launch(command)
  else console.log('Open this address in a browser of this machine, or through "ssh -L". Ctrl+C ends it.')
}
