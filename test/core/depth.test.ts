import { expect, it } from 'vitest'
import { isShallow } from '../../core/depth.ts'

const nested = (depth: number, wrap: (inner: unknown) => unknown) => {
  let message: unknown = 1
  for (let i = 0; i < depth; i++) message = wrap(message)
  return message
}

it('knows what JSON knows, 32 levels deep', () => {
  for (const message of [null, 1, 'x', undefined, [], {}, Object.create(null), { a: [{ b: null }] }])
    expect(isShallow(message)).toBe(true)
  for (const wrap of [(inner: unknown) => [inner], (inner: unknown) => ({ inner })]) {
    expect(isShallow(nested(32, wrap))).toBe(true)
    expect(isShallow(nested(33, wrap))).toBe(false)
    expect(isShallow(nested(1e6, wrap))).toBe(false)
  }
})

it('follows rings, and trees of shared parts, as far as they unfold', () => {
  const ring: unknown[] = []
  ring.push(ring)
  expect(isShallow(ring)).toBe(false)
  expect(isShallow(nested(30, (inner) => [inner, inner]))).toBe(false)
})

it('refuses what would hide something, or be long without a look inside', () => {
  const deepMap = nested(1e4, (inner) => new Map([['a', inner]]))
  for (const message of [
    deepMap,
    new Set([1]),
    new Uint8Array(2 ** 26),
    new ArrayBuffer(8),
    new Date(),
    new (class {})(),
  ])
    expect(isShallow({ message })).toBe(false)
})
