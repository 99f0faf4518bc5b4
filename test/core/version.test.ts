import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { version } from '../../core/version.ts'

it('is that of package.json', () => {
  const read = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  expect(version).toBe(read.version)
})
