import { execFileSync } from 'node:child_process'
import { Command } from 'commander'
import { expect, test } from 'vitest'
import type { Recipe } from '../../../core/contract.ts'
import { defaultParams, type Params } from '../../../core/params.ts'
import { compressCommand } from '../../../core/report/command.ts'
import { addParamFlags, allParams, collect, paramsFrom } from '../../../main/cli/flags.ts'
import { can } from '../../system.ts'

const recipe = (params: Partial<Params> = {}, rest: Partial<Recipe> = {}): Recipe => ({
  recipe: 1,
  output: 'factors',
  params: { ...defaultParams, ...params },
  include: [],
  exclude: [],
  ...rest,
})
const line = (one: Recipe, source = 'model.safetensors', target = 'small.safetensors') =>
  compressCommand({ sourcePath: source, target, recipe: one })

/** A line as a POSIX shell takes it apart. */
function wordsOfShell(text: string): string[] {
  const script = `ghostsvd() { printf '%s\\0' "$@"; }\n${text}`
  return execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1)
}

/** As a program of Windows does it itself, by the rules of its C library: 2n slashes and a quote are n slashes, and the quote counts. */
function wordsOnWindows(text: string): string[] {
  const words: string[] = []
  let [word, quoted, begun] = ['', false, false]
  for (const [, slashes = '', other = ''] of text.matchAll(/(\\*)([^\\]|$)/g)) {
    if (other === '"') {
      word += '\\'.repeat(Math.floor(slashes.length / 2))
      if (slashes.length % 2 === 1) word += '"'
      else quoted = !quoted
      begun = true
    } else {
      word += slashes
      if (other === ' ' && !quoted) {
        if (begun || word) words.push(word)
        ;[word, begun] = ['', false]
      } else word += other
    }
  }
  if (begun || word) words.push(word)
  return words.slice(1)
}

/** What the command line understands of these words. */
function understood(words: string[]) {
  let found: unknown
  const program = new Command().exitOverride()
  addParamFlags(
    program.command('compress').argument('<file>').option('--out <file>').option('--output <style>'),
    allParams,
  )
    .option('--include <glob>', '', collect, [])
    .option('--exclude <glob>', '', collect, [])
    .action((source: string, options: Record<string, unknown>, self: Command) => {
      const { out, output = 'factors', include, exclude } = options
      found = {
        source,
        target: out,
        recipe: { recipe: 1, output, params: paramsFrom(self, allParams), include, exclude },
      }
    })
  program.parse(words, { from: 'user' })
  return found
}

test('a run by the defaults has no flags', () => {
  expect(line(recipe())).toBe('ghostsvd compress model.safetensors --out small.safetensors')
})

test('what differs is said, as people write it', () => {
  expect(line(recipe({ goalSize: 0.4, factorDType: 'INT8', projectionTiers: false }, { output: 'npz' }))).toBe(
    'ghostsvd compress model.safetensors --out small.safetensors --output npz --goal-size 40% --factor-dtype INT8 --no-projection-tiers',
  )
  expect(line(recipe({ goalSize: 1.2e9, memoryLimit: 1_500_000_001 }))).toContain(
    '--goal-size 1.2GB --memory-limit 1500000001',
  )
})

const cases: readonly [string, Recipe, source?: string, target?: string][] = [
  [
    'numbers of every kind',
    recipe({ rank: 7, goalError: 0.07, seed: 2 ** 53 - 1, tolerance: 1e-7, sparseDensity: 0.005 }),
  ],
  ['sizes', recipe({ goalSize: 2, memoryLimit: 123_456_789 })],
  ['a share without a short form', recipe({ goalSize: 1 / 3, goalEnergy: 0.1 + 0.2 })],
  ['switches and choices', recipe({ int8Always: true, projectionTiers: false, kernel: 'simd', method: 'exact' })],
  ['rules', recipe({}, { include: ["it's *", '$HOME `id` "x"', '-a', ''], exclude: ['{a,b}', '--force'] })],
  ['names', recipe(), '-rf my model.pt', '--force; rm.safetensors'],
]
test.each(cases)('the command line reads back what was meant: %s', (_, one, source = 'a', target = 'b') => {
  const path = (name: string) => (name.startsWith('-') ? `./${name}` : name)
  const meant = { source: path(source), target: path(target), recipe: one }
  if (can.posix) expect(understood(wordsOfShell(line(one, source, target)))).toEqual(meant)
  const onWindows = compressCommand({ sourcePath: source, target, recipe: one, platform: 'win32' })
  expect(understood(wordsOnWindows(onWindows))).toEqual(meant)
})

// A shell that is typed into knows $'...' (POSIX 2024); Debian's sh, which nobody types into, does not.
test.runIf(can.posix)('a name that a terminal would act on is typed by numbers', () => {
  const names = ['a\u0003\nrm -rf ~\n', "it's \u001b[2J\\", 'ä\u009b2J\u202e', '-\u0007']
  const text = line(recipe({}, { include: names }), 'a\nb', "c'\td")
  expect(text).toMatch(/^[\x20-\x7eä]*$/)
  const script = `ghostsvd() { printf '%s\\0' "$@"; }\n${text}`
  const words = execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1)
  expect(understood(words)).toMatchObject({ source: 'a\nb', target: "c'\td", recipe: { include: names } })
  const onWindows = compressCommand({
    sourcePath: 'a',
    target: 'b',
    recipe: recipe({}, { include: ['w\ncalc\n'] }),
    platform: 'win32',
  })
  expect(onWindows).toContain('--include "w?calc?"')
})

test('on Windows double quotes hold a pattern together, and keep cmd from reading its signs', () => {
  const one = recipe({}, { include: ['*.mlp.* & more'] })
  const places = { sourcePath: 'C:\\my models\\a.pt', target: 'C:\\small' }
  expect(compressCommand({ ...places, recipe: one, platform: 'win32' })).toBe(
    'ghostsvd compress "C:\\my models\\a.pt" --out C:\\small --include "*.mlp.* & more"',
  )
})

test('it is called as this installation calls it, with whole paths', () => {
  const recipe = { output: 'factors', params: defaultParams, include: [], exclude: [] } as const
  const paths = { sourcePath: '/data/my model.safetensors', target: '/out/small.safetensors', recipe }
  expect(compressCommand({ ...paths, program: ['node', '/opt/ghost svd/cli.js'] })).toBe(
    "node '/opt/ghost svd/cli.js' compress '/data/my model.safetensors' --out /out/small.safetensors",
  )
})
