/** What the documents name exists: a map that lies is worse than none. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const rooms = ['core', 'main', 'renderer', 'test']
const names = new Set([
  ...readdirSync(root),
  ...rooms.flatMap((room) => readdirSync(join(root, room), { recursive: true }).map((path) => basename(String(path)))),
])

describe.each(['README.md', 'CONTRIBUTING.md', 'docs/architecture.md', 'docs/release.md', 'docs/scale-out.md'])(
  '%s',
  (document) => {
    const text = readFileSync(join(root, document), 'utf8')

    it('names source files and folders that exist', () => {
      for (const [, named] of text.matchAll(/`([\w./-]+(?:\.(?:ts|tsx|json|yml)|\/))`/g)) {
        // A name without a folder stands for the file of that name in the room the sentence is about.
        const exists = named!.includes('/')
          ? existsSync(join(root, named!)) || rooms.some((room) => existsSync(join(root, room, named!)))
          : names.has(named!)
        // release/ is made by npm run package.
        expect(exists || named === 'release/', named).toBe(true)
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
  },
)
