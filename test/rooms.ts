/**
 * The rooms of the house and the one direction of imports between them, over parsed sources: `import type` counts, since a room that needs
 * another's types cannot be understood without it.
 */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseSync } from 'vite'

/** Folders of a room; a file belongs to the longest path that is a prefix of its own. A tree (`core/`) has its own files only, not those of its folders. */
export interface Room {
  readonly paths: readonly string[]
  /** Rooms it may import from, besides itself. */
  readonly sees: readonly string[]
}

/** Each room with those before it that it may import from. */
export const rooms: Readonly<Record<string, Room>> = house()

function house(): Record<string, Room> {
  const found: Record<string, Room> = {}
  const room = (name: string, paths: readonly string[], ...sees: readonly (string | readonly string[])[]) => {
    found[name] = { paths, sees: sees.flat() }
    return [name]
  }
  const base = room('base', ['core/', 'core/messages/'])
  const curves = room('curves', ['core/curves/'], base)
  const contract = room('contract', ['core/contract.ts', 'core/contract/'], base)
  const rpc = room('rpc', ['core/rpc.ts'], base, contract)
  const plan = room('plan', ['core/plan/'], base, curves, contract)
  const report = room('report', ['core/report/'], base, curves, contract, plan)
  const shared = [...base, ...curves, ...contract, ...plan]
  const client = room('client', ['core/client/'], base, contract, rpc)
  const reading = room('reading', ['core/formats/format.ts', 'core/formats/dtype.ts', 'core/formats/reading/'], base)
  const archives = room('archives', ['core/formats/archives/'], base, reading)
  const readers = [...reading, ...archives, ...room('formats', ['core/formats/'], base, reading, archives)]
  const formats = [...readers, ...room('opening', ['core/formats/opening/'], base, readers)]
  const adapters = room('adapters', ['core/adapters/'], base, formats)
  const statistics = room('statistics', ['core/statistics/'], base, formats, adapters)
  const assembly = room('assembly', ['core/kernels/assembly/'])
  const kernels = room('kernels', ['core/kernels/'], base, assembly)
  const svd = room('svd', ['core/svd/'], base, kernels)
  const measure = room('measure', ['core/measure/'], base, curves, kernels, svd)
  const sketches = room('sketch-cache', ['core/sketch-cache/'], base, formats, svd)
  const engineSide = [...formats, ...adapters, ...statistics, ...kernels, ...svd, ...measure, ...sketches]
  const matrix = room('matrix', ['core/matrix/'], shared, engineSide)
  const write = room('write', ['core/write/'], shared, engineSide, matrix)
  const answers = room('answers', ['core/answers/'], shared, engineSide, matrix, write)
  const jobs = room('jobs', ['core/jobs/'], shared, engineSide, matrix, write, answers)
  const core = [...shared, ...report, ...rpc, ...client, ...engineSide, ...matrix, ...write, ...answers, ...jobs]

  const system = room('system', ['main/system/'], base, contract)
  const files = room('files', ['main/files/'], base, contract, formats, write, system)
  const history = room('history', ['main/history/'], base, contract, client, system, files)
  const inAll = ['messages', 'threads', 'garbage', 'entries'].map((name) => `main/engine/${name}.ts`)
  const between = room('engine-shared', inAll, core, system, files)
  const parent = room('engine-parent', ['main/engine/parent/'], core, system, files, between)
  const loop = room('engine-loop', ['main/engine/loop/'], core, system, files, between)
  const device = room('engine-device', ['main/engine/device/'], core, system, between)
  const running = room('running', ['main/answers/'], core, system, files, between, parent)
  const driver = room('engine-driver', ['main/engine/driver/'], core, system, files, between, device, running)
  room('engine', ['main/engine/'], core, system, between, loop, device, driver, running)
  const engine = [...between, ...parent]
  const host = room('host', ['main/host/'], base, contract, rpc, client, system, files, history, engine)
  const doors = [...base, ...contract, ...rpc, ...client, ...system, ...files, ...history, ...engine, ...host]
  const desktop = room('desktop', ['main/desktop/'], doors)
  const loopback = room('loopback', ['main/loopback/'], doors)
  const bench = room('bench', ['main/bench/'], core, system, files)
  const tools = room('cli', ['main/cli/'], core, doors, driver, running)
  const commands = room(
    'commands',
    ['main/cli/commands/'],
    core,
    doors,
    device,
    driver,
    loopback,
    bench,
    running,
    tools,
  )
  const cli = [...tools, ...room('program', ['main/cli/program.ts'], core, doors, tools, commands)]
  const entries = room('doors', ['main/'], base, doors, desktop, loopback, cli)
  room('build', ['main/build/'], entries)

  const seen = [...shared, ...report, ...rpc, ...client]
  const words = room('words', ['renderer/words/'], seen)
  const frame = room('frame', ['renderer/frame/'], seen, words)
  const choices = room('choices', ['renderer/choices/'], seen, words, frame)
  const model = room('model', ['renderer/model/'], seen, words, frame, choices)
  const state = [...seen, ...words, ...frame, ...choices, ...model]
  const outcome = room('outcome', ['renderer/outcome/'], state)
  const charts = room('charts', ['renderer/charts/'], state)
  const tensor = room('tensor', ['renderer/tensor/'], state, charts)
  const ab = room('ab', ['renderer/ab/'], state, charts, tensor)
  const runs = room('runs', ['renderer/runs/'], state, outcome, charts, tensor)
  const settings = room('settings', ['renderer/settings/'], state, charts, tensor, runs)
  const tries = room('try', ['renderer/try/'], state, outcome, charts, tensor, runs)
  const app = room('app', ['renderer/app/'], state, outcome, charts, tensor, ab, runs, settings, tries)
  room('page', ['renderer/'], words, frame, outcome, charts, tensor, ab, runs, tries, app)
  return found
}

export interface Import {
  readonly from: string
  readonly to: string
}

const root = resolve(import.meta.dirname, '..')

function sourceFiles(): string[] {
  return globSync('{core,main,renderer}/**/*.{ts,tsx}', { cwd: root }).filter((path) => !path.endsWith('.d.ts'))
}

/** Relative imports of a file, of types and values, static and dynamic, and what it exports again. Paths from the root. */
export function importsOf(file: string, text: string): Import[] {
  const { module } = parseSync(file, text)
  const dynamic = module.dynamicImports.map(({ moduleRequest: { start, end } }) => text.slice(start + 1, end - 1))
  const named = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
    ),
    ...dynamic,
  ]
  return [...new Set(named)]
    .filter((name) => name.startsWith('.'))
    .map((name) => ({ from: file, to: withEnding(join(dirname(file), name.replace(/\?.*$/, ''))) }))
}

/** AssemblyScript imports without an ending. */
function withEnding(path: string): string {
  return /\.\w+$/.test(path) ? path : `${path}.ts`
}

export function allImports(): Import[] {
  return sourceFiles().flatMap((file) => importsOf(file, readFileSync(join(root, file), 'utf8')))
}

function lies(path: string, within: string): boolean {
  const isTree = within.indexOf('/') === within.length - 1
  return path.startsWith(within) && !(isTree && path.slice(within.length).includes('/'))
}

/** @throws Error for a file in no room */
function roomOf(path: string): string {
  let longest = ''
  let found: string | undefined
  for (const [name, { paths }] of Object.entries(rooms))
    for (const prefix of paths)
      if (lies(path, prefix) && prefix.length > longest.length) {
        longest = prefix
        found = name
      }
  if (found === undefined) throw new Error(`${path} lies in no room`)
  return found
}

/** Imports a room may not have, `from -> to`. */
export function upward(imports: readonly Import[]): string[] {
  return imports
    .filter(({ from, to }) => {
      const [own, other] = [roomOf(from), roomOf(to)]
      return own !== other && !rooms[own]!.sees.includes(other)
    })
    .map(({ from, to }) => `${from} -> ${to}`)
}

/** Groups of files that import each other in a circle (strongly connected, Tarjan 1972), each sorted. */
export function circles(imports: readonly Import[]): string[][] {
  const next = new Map<string, string[]>()
  for (const { from, to } of imports) next.set(from, [...(next.get(from) ?? []), to])
  const order = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const found: string[][] = []
  const visit = (file: string): void => {
    order.set(file, order.size)
    low.set(file, order.get(file)!)
    stack.push(file)
    for (const other of next.get(file) ?? []) {
      if (!order.has(other)) visit(other)
      if (stack.includes(other)) low.set(file, Math.min(low.get(file)!, low.get(other)!))
    }
    if (low.get(file) !== order.get(file)) return
    const group = stack.splice(stack.indexOf(file))
    if (group.length > 1) found.push(group.sort())
  }
  for (const file of next.keys()) if (!order.has(file)) visit(file)
  return found
}

const ui = ['react', 'react-dom/**', '@mantine/**']
const electron = ['electron', 'electron/**']
/** Packages and other trees that a tree may not import. */
const foreign: Readonly<Record<string, readonly string[]>> = {
  core: [...electron, ...ui, '**/main/**', '**/renderer/**'],
  main: [...electron, ...ui, '**/renderer/**'],
  renderer: [...electron, 'node:*', '**/main/**'],
}
/** Where Electron's runtime is there. It is imported by process: electron/main, electron/renderer, electron/common. */
const inElectron = new Set(['main/desktop/**', 'main/electron.ts'])

/** What a file finds in its own room, whose folders may be called as other rooms are: exceptions from what is banned by name. */
function inside(name: string, path: string): string[] {
  const paths = Object.values(rooms).flatMap((room) => room.paths)
  const nested = paths.some((other) => other !== path && other.startsWith(path))
  const own = rooms[name]!.paths.filter((each) => each.split('/').length > 2)
  return [
    ...(path.endsWith('/') && !nested ? ['!./**'] : []),
    ...own.map((each) => `!**/${each.split('/').slice(1).join('/')}${each.endsWith('/') ? '**' : ''}`),
  ]
}

/** How imports in a file of `tree` end that lead to `path`, a file or a folder. */
function byName(path: string, tree: string): string {
  const name = path.startsWith(`${tree}/`) ? path.slice(tree.length + 1) : path
  return `**/${name}${name.endsWith('/') ? '**' : ''}`
}

/** The same order for the linter, so that an editor shows a breach where it is written: `biome.rooms.json`. */
export function lintConfiguration(): string {
  const entries = Object.entries(rooms).flatMap(([name, { paths, sees }]) => {
    const unseen = Object.entries(rooms).flatMap(([other, room]) =>
      other === name || sees.includes(other) ? [] : room.paths,
    )
    return paths.map((path) => ({ path, name, unseen }))
  })
  const electronEntry = { path: 'main/electron.ts', name: 'doors', unseen: [] }
  // The later of two overrides that match a file has its way: longer paths last.
  const ordered = [...entries, electronEntry].sort((a, b) => a.path.length - b.path.length)
  const overrides = ordered.map(({ path, name, unseen }) => {
    const [tree] = path.split('/') as [string]
    const includes = !path.endsWith('/') ? path : `${path}${path.split('/').length > 2 ? '**' : '*'}`
    const banned = foreign[tree]!.filter((pattern) => !inElectron.has(includes) || pattern !== 'electron/**')
    const own = unseen.flatMap((other) => {
      const [otherTree, inside] = other.split('/') as [string, string]
      return inside === '' || (otherTree !== tree && otherTree !== 'core') ? [] : [other]
    })
    const named = (path: string) => byName(path, tree)
    const seen = Object.entries(rooms).flatMap(([other, room]) => (rooms[name]!.sees.includes(other) ? room.paths : []))
    const nested = seen.filter((path) => own.some((folder) => path !== folder && path.startsWith(folder)))
    const message = `${name} may not import this (test/rooms.ts; docs/architecture.md, direction of imports)`
    const options = {
      patterns: [
        {
          group: [...banned, ...own.map(named), ...nested.map((path) => `!${named(path)}`), ...inside(name, path)],
          message,
        },
      ],
    }
    return {
      includes: [includes],
      linter: { rules: { style: { noRestrictedImports: { level: 'error', options } } } },
    }
  })
  return `${JSON.stringify({ overrides }, null, 2)}\n`
}
