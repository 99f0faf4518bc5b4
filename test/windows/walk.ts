/**
 * A walk through the command line on Windows, each step held against the same on this system: same bytes, same figures, and what only
 * Windows does - names, open files, ended processes.
 */
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { root } from './bundle.ts'
import {
  type Ended,
  nodeExe,
  type Running,
  startWindows,
  startWindowsNode,
  temporaryFolder,
  windowsCommand,
  windowsEnvironment,
  windowsPath,
} from './wine.ts'

const program = join(root, 'out/main/cli.js')

/** One folder for all steps: `here` was made on this system, `there` on Windows. */
interface Place {
  readonly folder: string
  path(...names: string[]): string
}

interface Step {
  readonly name: string
  /** Also in the short form. */
  readonly short?: true
  run(place: Place): Promise<void>
}

/** On Windows, in the folder. */
function start(place: Place, ...words: string[]): Running {
  const env = { GHOSTSVD_CONFIG: place.path('config-there') }
  return startWindowsNode([windowsPath(program), ...words], { cwd: place.folder, env })
}
const there = (place: Place, ...words: string[]): Promise<Ended> => start(place, ...words).ended

/** On this system, in the folder. */
function here(place: Place, ...words: string[]): Promise<Ended> {
  const env = { ...process.env, GHOSTSVD_CONFIG: place.path('config-here') }
  return new Promise((settle) => {
    execFile(process.execPath, [program, ...words], { cwd: place.folder, env }, (error, stdout, stderr) =>
      settle({ status: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
    )
  })
}

function expect(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what)
}

function succeeded({ status, stdout, stderr }: Ended, what: string): void {
  expect(status === 0, `${what} ended with ${status}: ${stderr || stdout}`)
}

/** Digests of a file, or of each file of a folder. */
function digests(path: string): string {
  const files = statSync(path).isDirectory() ? readdirSync(path, { recursive: true }).map(String).sort() : ['']
  return files
    .filter((name) => statSync(join(path, name)).isFile())
    .map(
      (name) =>
        `${name} ${createHash('sha256')
          .update(readFileSync(join(path, name)))
          .digest('hex')}`,
    )
    .join('\n')
}

function sameBytes(place: Place, a: string, b: string): void {
  expect(digests(place.path(a)) === digests(place.path(b)), `${a} and ${b} differ`)
}

/** Nothing unfinished, and no lock. */
function nothingLeft(place: Place): void {
  const left = readdirSync(place.folder).filter((name) => name.includes('.partial'))
  expect(left.length === 0, `left behind: ${left.join(', ')}`)
}

/** What two reports have in common: all but times, places, memory, and which kernel a Node has. */
function figures(text: string): string {
  const machine = /^(elapsedMs|phases|threads|peakBytes|output|kernel|notices|memory|time|device)|Ms$|Bytes$/
  return JSON.stringify(JSON.parse(text), (key, value) => (machine.test(key) ? undefined : value))
}

/** Ended as TerminateProcess does once some tensors are finished. @returns how many */
async function endedHalfway(
  place: Place,
  output: string,
  run: { kill(): void; ended: Promise<unknown> },
): Promise<number> {
  const journal = place.path(`${output}.journal.partial`)
  const lines = () =>
    existsSync(journal)
      ? readFileSync(journal, 'utf8')
          .split('\n')
          .filter((line) => line.startsWith('{')).length - 1
      : 0
  for (let waited = 0; lines() < 2; waited += 20) {
    expect(waited < 600_000, 'no tensor was finished in ten minutes')
    await wait(20)
  }
  run.kill()
  await run.ended
  // The engine ends with its door, a moment later.
  await wait(1_500)
  expect(existsSync(place.path(`${output}.partial`)), 'the run had finished before it was ended')
  return lines()
}

const compress = ['compress', 'model.safetensors', '--rank', '8', '--out']

const steps: readonly Step[] = [
  {
    name: 'a model is made, with the same bytes',
    short: true,
    async run(place) {
      const words = (name: string) => ['sample', name, '--layers', '2', '--hidden', '128']
      succeeded(await here(place, ...words('model.safetensors')), 'sample here')
      succeeded(await there(place, ...words('there.safetensors')), 'sample there')
      sameBytes(place, 'model.safetensors', 'there.safetensors')
    },
  },
  ...['inspect', 'analyze', 'plan', 'estimate'].map(
    (command): Step => ({
      name: `${command} says the same`,
      async run(place) {
        const extra = { analyze: ['--tensor', 'model.layers.0.mlp.up_proj.weight'], plan: ['--goal-size', '50%'] }
        const words = [command, 'model.safetensors', ...(extra[command as keyof typeof extra] ?? []), '--json']
        const [a, b] = [await here(place, ...words), await there(place, ...words)]
        succeeded(a, `${command} here`)
        succeeded(b, `${command} there`)
        if (command !== 'estimate') expect(figures(a.stdout) === figures(b.stdout), `${command} differs`)
      },
    }),
  ),
  ...['factors', 'dense', 'npz', 'aguf'].map(
    (style): Step => ({
      name: `${style} is written with the same bytes`,
      ...(style === 'factors' && { short: true }),
      async run(place) {
        const output = (where: string) => `${style}-${where}.safetensors`
        succeeded(await here(place, ...compress, output('here'), '--output', style), 'compress here')
        succeeded(await there(place, ...compress, output('there'), '--output', style), 'compress there')
        sameBytes(place, output('here'), output('there'))
        nothingLeft(place)
      },
    }),
  ),
  {
    name: 'parts are joined, named by a pattern',
    async run(place) {
      for (const part of ['1', '2'])
        succeeded(await there(place, ...compress, `part-${part}.safetensors`, '--part', `${part}/2`), `part ${part}`)
      succeeded(await there(place, 'merge', 'part-*.safetensors', '--out', 'merged.safetensors'), 'merge')
      succeeded(await here(place, ...compress, 'whole.safetensors'), 'compress')
      sameBytes(place, 'merged.safetensors', 'whole.safetensors')
    },
  },
  {
    name: 'a recipe of this system is replayed, also as editors of Windows save it',
    short: true,
    async run(place) {
      succeeded(await here(place, ...compress, 'of-recipe.safetensors', '--save-recipe', 'recipe.json'), 'recipe')
      const text = `\ufeff${readFileSync(place.path('recipe.json'), 'utf8').replaceAll('\n', '\r\n')}`
      writeFileSync(place.path('recipe-utf16.json'), Buffer.from(text, 'utf16le'))
      const words = ['compress', 'model.safetensors', '--recipe', 'recipe-utf16.json', '--out', 'replayed.safetensors']
      succeeded(await there(place, ...words), 'replay')
      sameBytes(place, 'of-recipe.safetensors', 'replayed.safetensors')
    },
  },
  {
    name: 'a run that was terminated is resumed to the same bytes; while it lived, its name was taken',
    short: true,
    async run(place) {
      succeeded(await here(place, 'sample', 'large.safetensors', '--layers', '3', '--hidden', '512'), 'sample')
      const words = ['compress', 'large.safetensors', '--rank', '64', '--method', 'exact', '--resume', '--out']
      succeeded(await here(place, ...words, 'large-here.safetensors'), 'compress here')
      const run = start(place, ...words, 'large-there.safetensors')
      while (!existsSync(place.path('large-there.safetensors.partial.lock'))) await wait(20)
      const other = await there(place, ...words, windowsPath(place.path('LARGE-there.safetensors')))
      expect(other.stderr.includes('is being written by another run'), `the second run said: ${other.stderr}`)
      await endedHalfway(place, 'large-there.safetensors', run)
      succeeded(await there(place, ...words, 'large-there.safetensors'), 'resume')
      sameBytes(place, 'large-here.safetensors', 'large-there.safetensors')
      nothingLeft(place)
    },
  },
  {
    name: 'a run that was begun on this system is resumed to the same bytes',
    async run(place) {
      const words = ['compress', 'large.safetensors', '--rank', '64', '--method', 'exact', '--resume', '--out']
      const child = spawn(process.execPath, [program, ...words, 'moved.safetensors'], {
        cwd: place.folder,
        env: { ...process.env, GHOSTSVD_CONFIG: place.path('config-here') },
        stdio: 'ignore',
      })
      const ended = new Promise((done) => child.on('exit', done))
      await endedHalfway(place, 'moved.safetensors', { kill: () => child.kill('SIGKILL'), ended })
      const resumed = await there(place, ...words, 'moved.safetensors')
      succeeded(resumed, 'resume')
      sameBytes(place, 'large-here.safetensors', 'moved.safetensors')
    },
  },
  {
    name: 'paths of 400 characters, with spaces and other scripts',
    async run(place) {
      const folder = place.path(...Array.from({ length: 8 }, (_, i) => `${i} 模型 ${'x'.repeat(40)}`))
      mkdirSync(folder, { recursive: true })
      copyFileSync(place.path('model.safetensors'), join(folder, 'model.safetensors'))
      const words = [
        windowsPath(join(folder, 'model.safetensors')),
        '--rank',
        '8',
        '--out',
        windowsPath(join(folder, 'out')),
      ]
      succeeded(await there(place, 'compress', ...words), 'compress')
      expect(digests(join(folder, 'out')) === digests(place.path('factors-here.safetensors')), 'the outputs differ')
    },
  },
  {
    name: 'names that Windows cannot store are refused',
    async run(place) {
      for (const name of ['NUL', 'com1.safetensors', 'model.safetensors:stream', 'out.', 'a?b', 'CON.txt']) {
        const { status, stderr } = await there(place, ...compress, name)
        expect(status === 1 && stderr.includes('cannot be the name of a file here'), `${name}: ${stderr}`)
      }
    },
  },
  {
    name: 'a shard that was typed in another case is the whole model, and its sibling no output',
    short: true,
    async run(place) {
      const folder = place.path('shards')
      mkdirSync(folder)
      const half = (number: number) => join(folder, `model-0000${number}-of-00002.safetensors`)
      succeeded(await here(place, 'sample', half(1), '--layers', '1', '--hidden', '64'), 'sample')
      // The second shard has other tensors: those of the first under other names.
      const bytes = readFileSync(half(1))
      const header = Number(bytes.readBigUInt64LE(0))
      const renamed = bytes
        .subarray(8, 8 + header)
        .toString('latin1')
        .replaceAll('"model.', '"other.')
        .replaceAll('"lm_head.', '"xm_head.')
      writeFileSync(
        half(2),
        Buffer.concat([bytes.subarray(0, 8), Buffer.from(renamed, 'latin1'), bytes.subarray(8 + header)]),
      )
      const before = digests(folder)
      const typed = windowsPath(join(folder, 'Model-00001-of-00002.safetensors'))
      const { stderr } = await there(place, 'compress', typed, '--rank', '8', '--force', '--out', windowsPath(half(2)))
      expect(stderr.includes('is the source itself'), `it said: ${stderr}`)
      expect(digests(folder) === before, 'a shard was changed')
    },
  },
  {
    name: 'an output that another program has open is replaced once it is closed, and refused with the reason while it is not',
    short: true,
    async run(place) {
      copyFileSync(place.path('model.safetensors'), place.path('open.safetensors'))
      const holder = join(import.meta.dirname, 'fixtures/hold-open.ts')
      const hold = (ms: number) =>
        startWindowsNode([windowsPath(holder), windowsPath(place.path('open.safetensors')), String(ms)])
      const forever = hold(60_000)
      while (!forever.said().includes('open')) await wait(20)
      const refused = await there(place, ...compress, 'open.safetensors', '--force')
      expect(refused.stderr.includes('another program has it open'), `it said: ${refused.stderr}`)
      sameBytes(place, 'model.safetensors', 'open.safetensors')
      forever.kill()
      await forever.ended
      const brief = start(place, ...compress, 'open.safetensors', '--force')
      const short = hold(3_500)
      succeeded(await brief.ended, 'compress')
      await short.ended
      sameBytes(place, 'factors-here.safetensors', 'open.safetensors')
    },
  },
  {
    name: 'what a terminated host had in its temporary folder goes with the next one',
    async run(place) {
      const folders = () => readdirSync(temporaryFolder).filter((name) => name.startsWith('ghostsvd-'))
      const before = new Set(folders())
      const serve = () => start(place, 'serve', '.')
      const first = serve()
      while (!first.said().includes('http')) await wait(20)
      const made = folders().filter((name) => !before.has(name))
      expect(made.length > 0, 'there was no folder')
      first.kill()
      await first.ended
      const second = serve()
      while (!second.said().includes('http')) await wait(20)
      const left = folders()
      expect(!made.every((name) => left.includes(name)), `${made.join(', ')} is still there`)
      second.kill()
      await second.ended
    },
  },
  {
    name: 'Ctrl+C ends a run with its status and leaves nothing',
    async run(place) {
      // The keyboard is heard through a terminal alone; `script` of util-linux has one.
      const command = windowsCommand([
        windowsPath(program),
        'compress',
        'large.safetensors',
        '--rank',
        '64',
        '--method',
        'exact',
      ])
      const terminal = spawn('script', ['-qfec', `${command} --out interrupted.safetensors`, '/dev/null'], {
        cwd: place.folder,
        env: { ...windowsEnvironment, GHOSTSVD_CONFIG: place.path('config-there') },
        stdio: ['pipe', 'ignore', 'ignore'],
      })
      const ended = new Promise<number | null>((done) => terminal.on('exit', done))
      while (!existsSync(place.path('interrupted.safetensors.partial'))) await wait(20)
      terminal.stdin.write('\x03')
      const status = await ended
      expect(status === 130, `status ${status}`)
      nothingLeft(place)
    },
  },
  {
    name: 'the command beside the packaged application keeps arguments, output and status',
    async run(place) {
      const folder = place.path('packaged application')
      mkdirSync(folder)
      copyFileSync(join(root, 'main/build/windows/ghostsvd.cmd'), join(folder, 'ghostsvd.cmd'))
      copyFileSync(nodeExe, join(folder, 'GhostSVD.exe'))
      writeFileSync(join(folder, 'say.js'), 'console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 7')
      // A line as somebody types it.
      const [command, script] = ['ghostsvd.cmd', 'say.js'].map((name) => `"${windowsPath(join(folder, name))}"`)
      writeFileSync(place.path('typed.cmd'), `@${command} ${script} "my model.pt" --include "*.mlp.* & more"\r\n`)
      const { status, stdout } = await startWindows(['cmd', '/c', windowsPath(place.path('typed.cmd'))]).ended
      expect(status === 7, `status ${status}`)
      expect(stdout.trim() === '["my model.pt","--include","*.mlp.* & more"]', `it said: ${stdout}`)
    },
  },
]

/** @returns how many steps failed */
export async function walk(short: boolean): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'ghostsvd-walk-'))
  const place: Place = { folder, path: (...names) => join(folder, ...names) }
  let failed = 0
  try {
    for (const step of steps.filter((each) => !short || each.short)) {
      const started = performance.now()
      const fault = await step.run(place).then(
        () => null,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      )
      if (fault !== null) failed++
      const seconds = ((performance.now() - started) / 1000).toFixed(1)
      console.log(
        `${fault === null ? 'ok    ' : 'FAILED'} ${step.name} (${seconds} s)${fault === null ? '' : `\n    ${fault}`}`,
      )
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return failed
}
