/** HDF5 under attack. What honest files hold is in interop.test.ts (make_keras.py), damage of every kind in fuzz.test.ts. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { planZip } from '../../../core/formats/archives/zip-writer.ts'
import { sentencesOf } from '../messages/words.ts'
import { concat, openBytes, refusal } from './corpus.ts'

const load = (name: string) => new Uint8Array(readFileSync(join(import.meta.dirname, '../../fixtures/formats', name)))
const model = load('model.h5')
/** With bytes changed at a place. */
const edited = (at: number, ...bytes: number[]) => {
  const changed = model.slice()
  changed.set(bytes, at)
  return changed
}
const sentence = async (bytes: Uint8Array, name = 'm.h5') => (await refusal(() => openBytes(name, bytes))).message
const find = (text: string) => Buffer.from(model).indexOf(text)

it.each(['model.h5', 'latest.h5'])('%s: what is left out is named', async (name) => {
  const [notice] = sentencesOf((await openBytes(name, load(name))).notices)
  for (const left of ['"again" (a link)', '"big" (big-endian)']) expect(notice).toContain(left)
  expect(notice).toContain('and 1 more')
})

it('a Keras archive is read where its weights lie in it, and says when it has none', async () => {
  const zip = planZip([{ name: 'config.json', byteLength: 0 }])
  const bytes = concat(zip.before(0), zip.after(0, 0), zip.directory([0]))
  expect(await sentence(bytes, 'm.keras')).toBe(
    'm.keras is a Keras archive without weights: model.weights.h5 is not in it.',
  )
})

describe('hostile', () => {
  it('other superblocks', async () => {
    expect(await sentence(edited(8, 9))).toContain('HDF5 superblock version 9 is not read')
    expect(await sentence(edited(13, 4))).toContain('HDF5 with offsets of 4 bytes is not read')
    expect(await sentence(edited(24, 1))).toContain('HDF5 behind a user block is not read')
  })
  it('a root outside the file, and a file of nothing else', async () => {
    expect(await sentence(edited(64, 255, 255, 255, 255, 255, 255))).toContain('a range inside the file')
    expect(await sentence(model.slice(0, 96))).toContain('a range inside the file')
  })
  it('structures that are not where they should be', async () => {
    expect(await sentence(edited(find('TREE'), 88))).toMatch(/expected TREE at \d+, got "XREE"/)
    expect(await sentence(edited(find('HEAP'), 88))).toMatch(/expected HEAP at \d+, got "XEAP"/)
    expect(await sentence(edited(find('SNOD'), 88))).toMatch(/expected SNOD at \d+, got "XNOD"/)
  })
  it('a tree that counts more than there is, and one that goes on forever', async () => {
    expect(await sentence(edited(find('TREE') + 6, 255, 255))).toMatch(/a range inside|expected SNOD/)
    // A node above the leaves whose child is itself.
    const tree = find('TREE')
    const changed = edited(tree + 5, 1)
    new DataView(changed.buffer).setBigUint64(tree + 32, BigInt(tree), true)
    expect(await sentence(changed)).toMatch(/levels of a tree/)
  })
  it('a node that names itself as its child 65,535 times', async () => {
    const place = (address: number) => new Uint8Array(BigUint64Array.of(BigInt(address)).buffer)
    const node = new Uint8Array(24 + 16 * 65_535 + 8)
    node.set([...Buffer.from('TREE'), 0, 1, 255, 255])
    for (let i = 0; i < 65_535; i++) node.set(place(model.byteLength), 24 + 16 * i + 8)
    const changed = Buffer.from(concat(model, node))
    const before = place(find('TREE'))
    for (let at = changed.indexOf(before); at >= 0; at = changed.indexOf(before))
      changed.set(place(model.byteLength), at)
    expect(await sentence(new Uint8Array(changed))).toMatch(/at most 300000 nodes/)
  })
})
