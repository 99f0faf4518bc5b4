/** Nothing reads a sentence: what it says is in its key and values. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'vite'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../../..')

type Node = { type: string } & Record<string, unknown>
const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value

/** Methods that look into a text. */
const readers = new Set(
  ['test', 'exec', 'match', 'matchAll', 'search', 'replace', 'replaceAll', 'split'].concat([
    'includes',
    'startsWith',
    'endsWith',
    'indexOf',
    'slice',
  ]),
)
/** Three words of prose in a row: what a sentence of ours looks like in a regular expression. */
const prose = /\b[A-Za-z]{2,} [a-z]{2,}(\\?[.,:])? [a-z]{2,}\b/

/** Whether an expression is the message of an error, or the English of a message. */
function isSentence(value: unknown): boolean {
  if (!isNode(value)) return false
  if (value.type === 'ChainExpression') return isSentence(value.expression)
  if (value.type === 'MemberExpression') return (value.property as Node).name === 'message'
  return value.type === 'CallExpression' && ['inEnglish', 'sentences'].includes(String((value.callee as Node).name))
}

/** What of a file's text reads sentences. `shown`: whether it is of the page, where no regular expression has prose in it either. */
function parsersIn(name: string, text: string, shown: boolean): string[] {
  const found: string[] = []
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const each of node) visit(each)
    if (!isNode(node)) return
    const written = () => text.slice(node.start as number, node.end as number)
    if (node.type === 'CallExpression' && isNode(node.callee) && node.callee.type === 'MemberExpression') {
      const { object, property } = node.callee as unknown as { object: Node; property: Node }
      const reads = readers.has(String(property.name))
      if (reads && (isSentence(object) || (node.arguments as unknown[]).some(isSentence))) found.push(written())
    }
    const { regex } = node as { regex?: { pattern: string } }
    if (shown && regex && prose.test(regex.pattern)) found.push(written())
    for (const child of Object.values(node)) if (typeof child === 'object') visit(child)
  }
  visit(parseSync(name, text).program)
  return found
}

const files = globSync(['core/**/*.ts', 'main/**/*.ts', 'renderer/**/*.{ts,tsx}'], {
  cwd: root,
  exclude: ['core/kernels/assembly/**'],
})

test('no file of the product parses a sentence', () => {
  expect(files.length).toBeGreaterThan(300)
  const found = files.flatMap((file) =>
    parsersIn(file, readFileSync(join(root, file), 'utf8'), file.startsWith('renderer')).map(
      (each) => `${file}: ${each}`,
    ),
  )
  expect(found).toEqual([])
})

test.each([
  ["if (/was not found/.test(error.message)) show('notFound')", 2],
  ["const [name] = error.message.split(' was')", 1],
  ["if (fault?.message.includes('the disk is full')) retry()", 1],
  ['recognize(/^(?<name>.+) could not be written: permission was denied/)', 1],
  ["const key = inEnglish(reason).startsWith('An embedding')", 1],
  ['const name = path.replace(/\\.json$/, "")', 0],
  ['throw new AppError(error.code, error.said)', 0],
])('a planted one is found: %s', (text, count) => {
  expect(parsersIn('planted.ts', text, true)).toHaveLength(count)
})
