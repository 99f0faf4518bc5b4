/**
 * Before the tests: the product's node side is built if it is older than its sources, since tests that start processes start what users
 * start (out/main). Two seconds when something has changed, nothing otherwise.
 */
import { readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createBuilder } from 'vite'

const root = resolve(import.meta.dirname, '..')
const built = join(root, 'out/main/engine.js')

export default async function setup(): Promise<void> {
  const sources = ['core', 'main'].flatMap((room) => filesIn(join(root, room)))
  const changed = Math.max(...[...sources, join(root, 'vite.config.ts')].map(modified))
  if (modified(built) > changed) return
  const builder = await createBuilder({ configFile: join(root, 'vite.config.ts'), logLevel: 'error' })
  for (const [name, environment] of Object.entries(builder.environments))
    if (name !== 'client') await builder.build(environment)
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

/** 0 for what does not exist. */
function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
