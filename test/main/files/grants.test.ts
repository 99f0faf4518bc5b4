import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { createGrants } from '../../../main/files/grants.ts'

it('forgets what was given or used longest ago, so that no page makes it grow', () => {
  const grants = createGrants(null, 3)
  const [a, b] = ['/a', '/b'].map((path) => grants.target(path).id) as [string, string]
  expect(grants.path(a, 'write')).toBe(resolve('/a'))
  for (let i = 0; i < 2; i++) grants.target(`/${i}`)
  expect(grants.path(a, 'write')).toBe(resolve('/a'))
  expect(() => grants.path(b, 'write')).toThrow()
  for (let i = 0; i < 10; i++) grants.target(`/${i}`)
  expect(() => grants.path(a, 'write')).toThrow()
  // A new id: the old one is nobody's.
  expect(grants.target('/b').id).not.toBe(b)
})
