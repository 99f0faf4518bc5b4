/** What the documents name exists: a map that lies is worse than none. */
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { allImports, type Import } from './rooms.ts'

const root = resolve(import.meta.dirname, '..')
const rooms = ['core', 'main', 'renderer', 'test']
const names = new Set([
  ...readdirSync(root),
  ...rooms.flatMap((room) => readdirSync(join(root, room), { recursive: true }).map((path) => basename(String(path)))),
])

const documents = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...globSync('docs/**/*.md', { cwd: root })]

describe.each(documents)('%s', (document) => {
  const text = readFileSync(join(root, document), 'utf8')

  it('names source files and folders that exist', () => {
    for (const [, named] of text.matchAll(/`([\w./-]+(?:\.(?:ts|tsx|json|yml)|\/))`/g)) {
      // A name without a folder stands for the file of that name in the room the sentence is about.
      const exists = named!.includes('/')
        ? existsSync(join(root, named!)) ||
          [...rooms, 'core/formats'].some((room) => existsSync(join(root, room, named!)))
        : names.has(named!)
      // release/ is made by npm run package.
      expect(
        exists ||
          named === 'release/' ||
          (['docs/formats.md', 'docs/lora.md'].includes(document) && named!.endsWith('.json')),
        named,
      ).toBe(true)
    }
  })

  it('links to files that exist', () => {
    for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#]+)\)/g))
      expect(existsSync(join(root, document, '..', target!)), target).toBe(true)
  })

  it('names scripts of package.json', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>
    }
    for (const [, script] of text.matchAll(/npm run (?:-s )?([\w:]+)/g))
      expect(scripts, script).toHaveProperty([script!])
  })
})

const sources = globSync('{core,main,renderer,test}/**/*.{ts,tsx}', { cwd: root })

/** Files that comments of a source name and that are not there: `facts.ts` and `write/facts.ts` stand for any path that ends so. */
function lost(text: string, files: readonly string[]): string[] {
  const comments = text.match(/\/\*[\s\S]*?\*\/|(?<!:)\/\/[^\n]*/g) ?? []
  const named = comments.flatMap((comment) => comment.match(/(?<![\w./-])[\w-][\w./-]*\.tsx?\b/g) ?? [])
  return named.filter((name) => !files.some((file) => file === name || file.endsWith(`/${name}`)))
}

test('comments name files that exist', () => {
  // Of the root, and of Electron.
  const known = [...sources, 'vite.config.ts', 'artifact-utils.ts']
  for (const file of sources) {
    if (file === 'test/docs.test.ts') continue
    expect(lost(readFileSync(join(root, file), 'utf8'), known), file).toEqual([])
  }
  expect(lost('const a = 1 // as b/c.ts and d.ts have it', ['x/b/c.ts'])).toEqual(['d.ts'])
})

/** Steps `a` -> `b` of a text whose files do not know each other. */
function unjoined(text: string, imports: readonly Import[]): string[] {
  const joined = new Set(imports.flatMap(({ from, to }) => [`${from} -> ${to}`, `${to} -> ${from}`]))
  // A file is the end of one step and the start of the next.
  return [...text.matchAll(/`([\w./-]+\.tsx?)`(?: \([^()]*\))?,? ->\s+(?=`([\w./-]+\.tsx?)`)/g)]
    .map(([, from, to]) => `${from} -> ${to}`)
    .filter((step) => !joined.has(step))
}

test('each step of a way through the house is an import', () => {
  const [, ways] = readFileSync(join(root, 'docs/architecture.md'), 'utf8').split(/^## Eight ways.*$/m)
  const [text] = ways!.split(/^## /m)
  expect(text!.match(/ ->/g)!.length).toBeGreaterThan(20)
  expect(unjoined(text!, allImports())).toEqual([])
})

test('a step that nothing joins is found', () => {
  const imports = [{ from: 'core/a.ts', to: 'core/b.ts' }]
  expect(unjoined('`core/a.ts` (with a reason) ->\n`core/b.ts` -> `core/a.ts`', imports)).toEqual([])
  expect(unjoined('`core/a.ts` -> `core/c.ts` => `core/d.ts`', imports)).toEqual(['core/a.ts -> core/c.ts'])
})
