import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { packagesBeside, version } from '../../core/version.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const manifest = JSON.parse(read('package.json'))

it('is that of package.json', () => {
  expect(version).toBe(manifest.version)
})

it('says of packages beside it what package.json and the documents say', () => {
  expect(manifest.peerDependencies).toEqual(packagesBeside)
  expect(manifest.devDependencies).toMatchObject(packagesBeside)
  const documents = read('docs/answers.md') + read('docs/performance.md')
  for (const [name, pinned] of Object.entries(packagesBeside))
    expect(documents).toContain(`npm install ${name}@${pinned}`)
})
