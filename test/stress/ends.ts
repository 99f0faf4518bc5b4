/**
 * How programs end: `npm run build && npm run -s stress:ends -- [part of a line]`. Each door, with each thing that may hold it up, gets each signal in the middle of
 * its work; within five seconds nothing of it may be left, no process and nothing half-written, and the same command must do its work
 * afterwards. One that had done its work before it was struck is struck again, sooner. Linux as root: a dead mount is one that hung-folder.py serves and
 * stops serving. Ends with status 1 where one does not end.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisedMs as limitMs } from '../../main/system/end-limits.ts'
import { concat } from '../core/formats/corpus.ts'
import { bytes, node, number, opset, slot, tensor } from '../core/formats/onnx/onnx-model.ts'
import { startDesktop } from '../e2e/set-up/desktop.ts'
import { openDisplay } from '../e2e/set-up/display.ts'
import { electronRuntime } from '../e2e/set-up/electron-runtime.ts'
import { layOutForOldElectron } from '../e2e/set-up/old-electron/application.ts'
import { openPage } from '../main/loopback/page.ts'

const wanted = process.argv[2] ?? ''
const cli = fileURLToPath(new URL('../../out/main/cli.js', import.meta.url))
const root = mkdtempSync(join(tmpdir(), 'ghostsvd-ends-'))
const [files, mount, out, temporary] = ['files', 'mount', 'out', 'tmp'].map((name) => join(root, name)) as [
  string,
  string,
  string,
  string,
]
for (const folder of [files, mount, out, temporary]) mkdirSync(folder)
/** In the environment of everything that is started here, however its parents end. */
const config = join(root, 'config')
const environment = { ...process.env, GHOSTSVD_CONFIG: config, XDG_CACHE_HOME: join(root, 'cache'), TMPDIR: temporary }

function whole(...args: string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [cli, ...args], { env: environment, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`)
}

/** A file of /proc; nothing for a process that has gone. */
function told(pid: number, what: string): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, 'latin1')
  } catch {
    return ''
  }
}
/** State, parent and start of a process, as /proc counts them. */
function statOf(pid: number): [state: string, parent: number, start: string] {
  const fields = told(pid, 'stat')
    .replace(/^.*\) /s, '')
    .split(' ')
  return [fields[0] ?? '', Number(fields[1]), fields[19] ?? '']
}

/** Those that were ever seen, with their start: what an Electron forks by its zygotes has no environment, and in the end no parent. */
const seen = new Map<number, string>()

/** Every process that has our folder in its environment, or descends from one that has, and is none that was there before. */
function alive(except: ReadonlySet<number>): number[] {
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
  const stats = new Map(pids.map((pid) => [pid, statOf(pid)]))
  const belongs = (pid: number): boolean => {
    const [state, parent, start] = stats.get(pid) ?? ['', 0, '']
    if (state === '' || pid === process.pid) return false
    if (seen.get(pid) === start) return true
    const ours = told(pid, 'environ').includes(`GHOSTSVD_CONFIG=${config}`) || belongs(parent)
    if (ours) seen.set(pid, start)
    return ours
  }
  return pids.filter((pid) => !except.has(pid) && belongs(pid) && lives(pid))
}

/** One that was killed and waits for its disk has no memory any more, or SIGKILL before it. */
function lives(pid: number): boolean {
  const killed = Number.parseInt(/^(?:Sig|Shd)Pnd:\s*(\w+)/m.exec(told(pid, 'status'))?.[1] ?? '0', 16) & 0x100
  return statOf(pid)[0] !== 'Z' && told(pid, 'cmdline') !== '' && killed === 0
}

const isEngine = (pid: number) => /engine\.js|node\.mojom\.NodeService/.test(told(pid, 'cmdline'))

const at = (name: string) => join(mount, name)
const adapter = join(root, 'adapter')
const to = (name: string) => ['--out', join(out, name)]
const doors: Record<string, readonly string[]> = {
  compress: ['compress', at('m.safetensors'), ...to('c.safetensors'), '--method', 'exact', '--threads', '1'],
  'compress --resume': [
    'compress',
    at('m.safetensors'),
    ...to('r.safetensors'),
    '--rank',
    '8',
    '--threads',
    '1',
    '--resume',
  ],
  analyze: ['analyze', at('m.safetensors'), '--tensor', 'model.layers.0.mlp.up_proj.weight', '--method', 'exact'],
  plan: ['plan', at('m.safetensors'), '--goal-size', '30%'],
  extract: ['extract', at('m.safetensors'), at('t.safetensors'), ...to('x'), '--rank', '8', '--to', 'peft'],
  resize: ['resize', adapter, ...to('z'), '--rank', '4', '--relative-to', at('m.safetensors')],
  apply: ['apply', at('m.safetensors'), adapter, ...to('y.safetensors')],
  merge: ['merge', at('p1.safetensors'), at('p2.safetensors'), ...to('g.safetensors')],
  answers: ['answers', at('a.onnx'), ...to('a.onnx'), '--samples', '48', '--goal-answer', '1%'],
  serve: ['serve', mount, out, '--port', '0'],
}
const hindrances = ['nothing', 'engine stopped', 'dead mount'] as const
/** The one that has no engine. */
const alone = 'merge'
type Hindrance = (typeof hindrances)[number]
const signals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGINT twice'] as const
const ways = ['SIGTERM', 'SIGINT', 'SIGHUP', 'closed window', 'end of the session']
/** Of a running command: what it is to finish, and what it is to resume. */
const kept = /^r\.safetensors(\.journal)?\.partial$/

let bad = 0
function tell(line: string, ms: number, status: string, left: readonly string[]): void {
  const wrong = left.length > 0 || ms > limitMs
  if (wrong) bad++
  console.log(
    `${wrong ? 'BAD' : 'ok '} ${line.padEnd(48)} ${ms.toFixed(0).padStart(5)} ms  ${status}  ${left.join(', ')}`,
  )
}

/** Waits for the end of everything; what is left is ended by force. */
async function allGone(before: ReadonlySet<number>, since: number): Promise<[ms: number, left: string[]]> {
  while (alive(before).length > 0 && performance.now() - since < 2 * limitMs) await wait(20)
  const ms = performance.now() - since
  const left = alive(before)
  const names = left.map((pid) => told(pid, 'cmdline').split('\0').slice(0, 3).join(' '))
  for (const pid of left) process.kill(pid, 'SIGKILL')
  return [ms, names]
}

/** @param share of the time after which a door is struck */
async function hinder(
  hindrance: Hindrance,
  before: ReadonlySet<number>,
  server: ChildProcess,
  share = 1,
): Promise<void> {
  const engines = () => alive(before).filter(isEngine)
  for (let tries = 0; engines().length === 0 && tries < 150; tries++) await wait(20)
  await wait(share * (300 + Math.random() * 700))
  if (hindrance === 'engine stopped') for (const pid of engines()) process.kill(pid, 'SIGSTOP')
  if (hindrance === 'dead mount') server.kill('SIGSTOP')
  await wait(share * 200)
}

/** One that only copies is struck while it does, and its mount dies under its hand. */
async function hinderAlone(hindrance: Hindrance, child: ChildProcess, server: ChildProcess): Promise<void> {
  const isStruck =
    hindrance === 'dead mount'
      ? () => statOf(server.pid!)[0] === 'T'
      : () => readdirSync(out).some((name) => name.endsWith('.partial'))
  while (!isStruck() && child.exitCode === null) await wait(1)
}

type Signal = (typeof signals)[number]

async function strike(door: string, hindrance: Hindrance, signal: Signal, server: ChildProcess): Promise<void> {
  for (let share = 1; share > 0.01; share /= 2) if (await struck(door, hindrance, signal, server, share)) return
  bad++
  console.log(`BAD ${door}, ${hindrance}, ${signal}: it ends before it can be struck`)
}

/** Whether it was, before it had done its work. */
async function struck(
  door: string,
  hindrance: Hindrance,
  signal: Signal,
  server: ChildProcess,
  share: number,
): Promise<boolean> {
  const before = new Set(alive(new Set()))
  if (door === alone && hindrance === 'dead mount') server.kill('SIGUSR1')
  const child = spawn(process.execPath, [cli, ...doors[door]!], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'exit')
  if (door === 'serve') {
    const [url] = (await once(child.stdout!, 'data')) as [Buffer]
    await askServe(url.toString().trim(), hindrance, before, server)
  } else if (door === alone) await hinderAlone(hindrance, child, server)
  else await hinder(hindrance, before, server, share)
  const isStruck = child.exitCode === null
  const since = performance.now()
  const [name, twice] = signal.split(' ') as [NodeJS.Signals, string?]
  child.kill(name)
  if (twice) {
    // Of two that are pending a process hears one.
    await wait(50)
    child.kill(name)
  }
  const [ms, left] = await allGone(before, since)
  const names = readdirSync(out).filter((each) => /partial|lock/.test(each) && !kept.test(each))
  // What waits for its disk has an end that can be asked about only now.
  server.kill('SIGCONT')
  const [code, by] = await ended
  for (const each of readdirSync(out)) rmSync(join(out, each), { recursive: true })
  // A host that ends by a signal leaves its own to the next one.
  if (door !== 'serve') names.push(...readdirSync(temporary).filter((each) => each.startsWith('ghostsvd')))
  // Otherwise it was done a moment before it heard. A host that was told to end has ended well.
  const counts = isStruck && (code !== 0 || door === 'serve')
  if (counts) tell(`${door}, ${hindrance}, ${signal}`, ms, String(code ?? by), [...left, ...names])
  return counts
}

/** A page with a run under way, whose engines have been stopped, or for which the host itself waits for a folder. */
async function askServe(url: string, hindrance: Hindrance, before: ReadonlySet<number>, server: ChildProcess) {
  const page = await openPage(url)
  const roots = await page.host.listFolder(null)
  const [from, into] = [mount, out].map((path) => roots.find(({ grant }) => grant.name === basename(path))!.grant.id)
  const file = (await page.host.listFolder(from!)).find(({ grant }) => grant.name === 'm.safetensors')!.grant.id
  const target = (await page.host.createTarget(into!, 'r.safetensors')).id
  const params = { method: 'exact', threads: 1 } as const
  const runId = await page.host.startRun({
    kind: 'compress',
    files: { model: file },
    target,
    output: 'factors',
    params,
  })
  await hinder(hindrance, before, server)
  void page.host.listFolder(from!).catch(() => {})
  void page.engine.api.open(file).catch(() => {})
  await wait(200)
  return { page, runId }
}

/** A run that is cancelled in the window: it has ended when that is answered, with all that it has written. */
async function strikeRun(hindrance: Hindrance, server: ChildProcess): Promise<void> {
  const before = new Set(alive(new Set()))
  const child = spawn(process.execPath, [cli, ...doors.serve!], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'exit')
  const [url] = (await once(child.stdout!, 'data')) as [Buffer]
  const { page, runId } = await askServe(url.toString().trim(), hindrance, before, server)
  const since = performance.now()
  const answered = page.host.cancelRun(runId, false).then(() => 'answered')
  const how = await Promise.race([answered, wait(2 * limitMs, 'no answer')])
  const ms = performance.now() - since
  const state = page.runs.findLast((run) => run.runId === runId)?.state
  const names = readdirSync(out)
  server.kill('SIGCONT')
  child.kill('SIGTERM')
  await ended
  tell(`a run of a page, ${hindrance}, cancelled`, ms, `${how}, ${state}`, names)
  for (const each of readdirSync(out)) rmSync(join(out, each), { recursive: true })
}

async function strikeDesktop(how: string, hindrance: Hindrance, server: ChildProcess, display: string): Promise<void> {
  const before = new Set(alive(new Set()))
  const { application } = await startDesktop({ folder: root, config, display, parameters: [at('m.safetensors')] })
  const main = application.process()
  const page = await application.firstWindow()
  await page.getByText('m.safetensors').first().waitFor()
  await hinder(hindrance, before, server)
  const since = performance.now()
  const ended = once(main, 'exit')
  if (how === 'closed window')
    void application.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.close()).catch(() => {})
  else if (how === 'end of the session')
    void application.evaluate(({ powerMonitor }) => void powerMonitor.emit('shutdown')).catch(() => {})
  else process.kill(main.pid!, how as NodeJS.Signals)
  const [ms, left] = await allGone(before, since)
  server.kill('SIGCONT')
  const [code, by] = await ended
  tell(
    `desktop ${process.versions.electron ?? electronRuntime()?.version ?? ''}, ${hindrance}, ${how}`,
    ms,
    String(code ?? by),
    left,
  )
}

/** A model of so many products, all of the same size, one after another. */
function chain(length: number, size: number): Uint8Array {
  let state = 1
  const products = Array.from({ length }, (_, i) => {
    const values = Float32Array.from({ length: size * size }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return (state / 2 ** 32 - 0.5) / Math.sqrt(size / 12)
    })
    const initializer = tensor({ name: `w${i}`, dims: [size, size], fields: [bytes(9, new Uint8Array(values.buffer))] })
    return [node('MatMul', [`x${i}`, `w${i}`], [`x${i + 1}`]), initializer]
  })
  const ends = [slot(11, 'x0', ['n', size]), slot(12, `x${length}`, ['n', size])]
  return concat(number(1, 8), bytes(7, concat(bytes(2, 'chain'), ...products.flat(), ...ends)), opset(13))
}

whole('sample', join(files, 'm.safetensors'), '--layers', '2', '--hidden', '768', '--seed', '1')
const [model, tuned] = [join(files, 'm.safetensors'), join(files, 't.safetensors')]
whole('compress', model, '--out', tuned, '--rank', '600', '--output', 'dense')
whole('extract', model, tuned, '--out', adapter, '--rank', '8', '--to', 'peft')
for (const part of ['1', '2'])
  whole(
    'compress',
    join(files, 'm.safetensors'),
    '--out',
    join(files, `p${part}.safetensors`),
    '--rank',
    '8',
    '--part',
    `${part}/2`,
  )
writeFileSync(join(files, 'a.onnx'), chain(12, 512))
const served = readdirSync(files).map((name) => join(files, name))
const server = spawn('python3', [fileURLToPath(new URL('hung-folder.py', import.meta.url)), mount, ...served], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
await Promise.race([
  once(server.stdout!, 'data'),
  once(server, 'exit').then(() => Promise.reject(new Error('nothing mounted'))),
])
try {
  for (const door of Object.keys(doors))
    for (const hindrance of hindrances)
      for (const signal of signals)
        if (`${door}, ${hindrance}, ${signal}`.includes(wanted) && !(door === alone && hindrance === 'engine stopped'))
          await strike(door, hindrance, signal, server)
  for (const hindrance of hindrances)
    if (`a run of a page, ${hindrance}, cancelled`.includes(wanted)) await strikeRun(hindrance, server)
  const runtime = electronRuntime()
  const ofDesktop = hindrances
    .flatMap((hindrance) => ways.map((how) => ({ hindrance, how })))
    .filter(({ hindrance, how }) => `desktop, ${hindrance}, ${how}`.includes(wanted))
  if (runtime && ofDesktop.length > 0) {
    if (runtime.old) await layOutForOldElectron(runtime.application)
    const display = await openDisplay()
    for (const { hindrance, how } of ofDesktop) await strikeDesktop(how, hindrance, server, display.name)
    await display.close()
  }
  // A later start sweeps what those that were ended by force left.
  const last = spawn(process.execPath, [cli, 'serve', files], { env: environment, stdio: ['ignore', 'pipe', 'ignore'] })
  await once(last.stdout!, 'data')
  last.kill('SIGTERM')
  await once(last, 'exit')
  const swept = readdirSync(temporary).filter((name) => name.startsWith('ghostsvd'))
  tell('what a later start leaves of temporary folders', 0, '', swept)
  whole('compress', join(files, 'm.safetensors'), '--out', join(out, 'last.safetensors'), '--rank', '8')
} finally {
  server.kill('SIGCONT')
  server.kill('SIGTERM')
  if (server.exitCode === null && server.signalCode === null) await once(server, 'exit')
  rmSync(root, { recursive: true, force: true })
}
if (bad > 0) process.exitCode = 1
