/** Every sentence that a person reads is in the catalogs, so that it is there in each language. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'vite'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../../..')

type Node = { type: string } & Record<string, unknown>
const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value

/** Three words in a row, the later ones small: what prose looks like in a literal. */
const prose = /\b[A-Za-z]{2,},? [a-z]{1,},? [a-z]{2,}\b/

/** The language of these is English: what is written there is never shown in the page. */
const englishRooms = [
  // Tables and help of the command line; what it refuses is a message (but see `wrongUsage`).
  'main/cli/',
  'main/bench/',
  'main/build/',
  // Before there is a window.
  'main/electron.ts',
  // Answers of HTTP to what is no page.
  'main/loopback/server.ts',
  'main/loopback/gate.ts',
  'main/loopback/frames.ts',
  'main/loopback/downloads.ts',
  'main/host/assets.ts',
  // Python, a shell, and the style and script of a page.
  'core/report/python.ts',
  'core/report/command.ts',
  'core/report/page.ts',
  'core/write/transformers-loader.ts',
]
/** Exact words that a catalog's sentence quotes, for whoever made the file or reads a report of a fault; and programming faults. */
const quotedBy = new Set([
  ...['badFile', 'overLimit', 'nothingIn', 'fail', 'over', 'readRange', 'item', 'flag'],
  ...['failCheck', 'checkShare', 'reportDeath', 'foreign'],
  ...['Error', 'TypeError', 'RangeError', 'log', 'error', 'addIssue'],
])
/** The same words in pieces: where in a file, and what is there instead. */
const pieces = new Set([
  ...['X: array at byte X', 'X: pickle at byte X', 'an array of X', 'a number that is no integer'],
  'more would cost memory out of proportion to the file',
])
/** The English of parameters and of output styles, which the page looks up by key; names of classes. */
const quietProperties = new Set(['label', 'help', 'words', 'className'])

function nameOf(callee: Node): string {
  return String(callee.type === 'MemberExpression' ? (callee.property as Node).name : callee.name)
}

function literal(node: Node): string | null {
  if (node.type === 'Literal' && typeof node.value === 'string') return node.value
  if (node.type === 'JSXText') return String(node.value)
  if (node.type !== 'TemplateLiteral') return null
  return (node.quasis as { value: { cooked: string } }[]).map(({ value }) => value.cooked).join('X')
}

/** Sentences in a file's text that no catalog has. */
function englishIn(file: string, text: string): string[] {
  const found: string[] = []
  const visit = (node: unknown, inCommandLine: boolean): void => {
    if (Array.isArray(node)) for (const each of node) visit(each, inCommandLine)
    if (!isNode(node)) return
    const said = literal(node)
    if (said !== null && prose.test(said) && !inCommandLine && !pieces.has(said)) found.push(said)
    let english = inCommandLine
    if (node.type === 'CallExpression' || node.type === 'NewExpression') {
      const name = nameOf(node.callee as Node)
      if (quotedBy.has(name)) return
      if (name === 'InvalidArgumentError') english = false
    }
    if (node.type === 'JSXAttribute' && (node.name as Node).name === 'className') return
    if (node.type === 'Property' && quietProperties.has(String((node.key as Node).name))) return
    for (const child of Object.values(node)) if (typeof child === 'object') visit(child, english)
  }
  visit(
    parseSync(file, text).program,
    englishRooms.some((room) => file.startsWith(room)),
  )
  return found
}

const files = globSync(['core/**/*.ts', 'main/**/*.ts', 'renderer/**/*.{ts,tsx}'], {
  cwd: root,
  exclude: ['core/kernels/assembly/**', 'core/messages/**'],
})

test('no sentence is outside the catalogs', () => {
  expect(files.length).toBeGreaterThan(300)
  const found = files.flatMap((file) =>
    englishIn(file, readFileSync(join(root, file), 'utf8')).map((said) => `${file}: ${said}`),
  )
  expect(found).toEqual([])
})

test.each([
  ['core/formats/new.ts', "throw unsupported(where, 'it is one part of a set; join the parts first')", 1],
  ['core/formats/new.ts', "left.push({ name, why: 'written by a later version' })", 1],
  ['core/formats/new.ts', "throw badFile(where, 'a list of numbers', 'something else')", 0],
  ['core/plan/new.ts', "return { reason: 'An embedding is kept as it is' }", 1],
  ['core/new.ts', 'const why = `A LoRA is not written any more`', 1],
  ['core/new.ts', "throw new RangeError('a rank below one')", 0],
  ['main/files/new.ts', "show({ title: 'The disk is full' })", 1],
  ['main/cli/new.ts', "throw new InvalidArgumentError('Expected a whole number.')", 1],
  ['main/cli/new.ts', "print('Saved and checked: read back as it was written.')", 0],
  ['renderer/new.tsx', 'const it = <p>Nothing is open yet.</p>', 1],
  ['renderer/new.tsx', 'const it = <p className="dimmed small ellipsis">{t("app.open")}</p>', 0],
])('a planted one is found: %s: %s', (file, text, count) => {
  expect(englishIn(file, text)).toHaveLength(count)
})
