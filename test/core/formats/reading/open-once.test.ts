import { expect, it } from 'vitest'
import { openOnce } from '../../../../core/formats/reading/open-once.ts'
import { memorySource } from '../../../../core/io.ts'

function watched() {
  const log: string[] = []
  const member = (id: string, fails = false) => ({
    id,
    open: async () => {
      log.push(`open ${id}`)
      if (fails) throw new Error(id)
      return { ...memorySource(id, new Uint8Array(1)), close: async () => void log.push(`close ${id}`) }
    },
  })
  return { log, member, sources: openOnce() }
}

it('opens each of two members once, however often it goes to and fro, and closes the one not used for longest', async () => {
  const { log, member, sources } = watched()
  const [a, b, c] = [member('a'), member('b'), member('c')]
  for (const each of [a, b, a, b, a]) expect((await sources.open(each)).name).toBe(each.id)
  expect(log).toEqual(['open a', 'open b'])
  await sources.open(c)
  expect(log).toEqual(['open a', 'open b', 'open c', 'close b'])
  await sources.close()
  expect(log.slice(4).sort()).toEqual(['close a', 'close c'])
})

it('serves calls at the same time', async () => {
  const { log, member, sources } = watched()
  const [a, b] = [member('a'), member('b')]
  const opened = await Promise.all([a, b, a, b].map((each) => sources.open(each)))
  expect(opened.map(({ name }) => name)).toEqual(['a', 'b', 'a', 'b'])
  expect(log).toEqual(['open a', 'open b'])
})

it('tries again what could not be opened, and closes the rest without it', async () => {
  const { log, member, sources } = watched()
  const broken = member('broken', true)
  await sources.open(member('a'))
  await expect(sources.open(broken)).rejects.toThrow('broken')
  await expect(sources.open(broken)).rejects.toThrow('broken')
  await sources.open(member('b'))
  await sources.close()
  expect(log).toEqual(['open a', 'open broken', 'open broken', 'open b', 'close b', 'close a'])
})
