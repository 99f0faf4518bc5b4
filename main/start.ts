/**
 * `npm start`: the application in Electron; where its runtime is absent or fails at once, one line that says why, and the same page from
 * the loopback host in the system's browser. `npm start -- FOLDER...` names what that page may see (the application has
 * dialogs instead); without one it is the user's own folder.
 */
import { spawn } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { inEnglish, say } from '../core/messages/english.ts'
import type { Message } from '../core/messages/message.ts'
import { foreign } from '../core/messages/text.ts'
import { browserCommand, launch, whichOnPath } from './browser.ts'
import { type Ended, whyElectronEnded } from './electron-ended.ts'
import { findRuntime, thisMachine } from './electron-runtime.ts'
import { serveUntilStopped } from './loopback/serve.ts'
import { endSignals } from './system/signals.ts'

/** An Electron that ends sooner than this with an error never showed a window. */
const startMs = 5000

const folders = process.argv.slice(2)
const runtime = await findRuntime(thisMachine())
const failure = 'program' in runtime ? await runElectron(runtime.program) : runtime.missing
if (failure !== null) await openInBrowser(failure)

/** Null once the application has run, or why it could not. */
async function runElectron(program: string): Promise<Message | null> {
  // Inherited from an Electron that started this one as node (an editor's terminal), it would make this one a node too.
  const { ELECTRON_RUN_AS_NODE: _, ...env } = process.env
  const started = performance.now()
  let told = false
  const ended = await new Promise<Ended | Error>((settle) => {
    const child = spawn(program, [resolve(import.meta.dirname, '../..')], { stdio: 'inherit', env })
    // Whoever ends this program means the application.
    const tell = (signal: NodeJS.Signals) => {
      told = true
      child.kill(signal)
    }
    for (const signal of endSignals) process.on(signal, tell)
    child.on('close', () => {
      for (const signal of endSignals) process.off(signal, tell)
    })
    child.on('error', settle)
    child.on('exit', (code, signal) => settle({ code, signal }))
  })
  if (ended instanceof Error) return say('foreign', { text: foreign(ended.message) })
  if (told || ended.code === 0 || performance.now() - started > startMs) {
    process.exitCode = ended.code ?? 1
    return null
  }
  return whyElectronEnded(program, ended, {
    read: (path) => readFile(path, 'utf8').catch(() => null),
    owner: (path) => stat(path).catch(() => null),
  })
}

async function openInBrowser(why: Message): Promise<void> {
  console.log(inEnglish(say('start.in-browser', { why })))
  const serving = await serveUntilStopped({ folders: folders.length > 0 ? folders : [homedir()], port: 0 })
  const command = await browserCommand(serving.oneTimeUrl(), {
    environment: process.env,
    platform: process.platform,
    root: process.getuid?.() === 0,
    which: whichOnPath,
  })
  if (command) launch(command)
  console.log(inEnglish(say(command ? 'start.no-window' : 'start.no-browser')))
}
