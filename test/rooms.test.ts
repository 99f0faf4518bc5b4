/** The order of rooms holds, over every import of the product; and the test would notice if it did not. */
import { describe, expect, it } from 'vitest'
import { allImports, circles, importsOf, lintConfiguration, rooms, upward } from './rooms.ts'

/** Loops of the eigensolver call bodies by number from one table: modules share a memory, and a function table would need static memory. */
const dispatch = 'core/kernels/assembly/eigen/tasks.ts'

const imports = allImports()

describe('rooms', () => {
  it('import only from the rooms they may see', () => {
    expect(upward(imports)).toEqual([])
  })

  it('are listed in an order without a circle', () => {
    const order = Object.entries(rooms).flatMap(([from, { sees }]) => sees.map((to) => ({ from, to })))
    expect(circles(order)).toEqual([])
    for (const { to } of order) expect(rooms).toHaveProperty(to)
  })

  it('are known to the linter (npx vitest run test/rooms.test.ts -u writes them)', async () => {
    await expect(lintConfiguration()).toMatchFileSnapshot('../biome.rooms.json')
  })

  it('have no circle of files but for the dispatch table of the eigensolver', () => {
    expect(circles(imports.filter(({ from }) => from !== dispatch))).toEqual([])
  })
})

/** Jobs that import another one: what several do lies in steps/, and only a preset has another for its model. */
function jobsOfJobs(found: readonly { readonly from: string; readonly to: string }[]): string[] {
  const isJob = (path: string) => /^core\/jobs\/(?!registry|files|gate)[\w-]+\.ts$/.test(path)
  const sides = found.filter(({ from, to }) => isJob(from) && isJob(to))
  return sides.map(({ from, to }) => `${from} -> ${to}`)
}

it('jobs import no job, but a preset its model', () => {
  expect(jobsOfJobs(imports)).toEqual(['core/jobs/compare.ts -> core/jobs/versus.ts'])
  const planted = importsOf('core/jobs/a.ts', "import { writeRun } from './compress.ts'")
  expect(jobsOfJobs(planted)).toEqual(['core/jobs/a.ts -> core/jobs/compress.ts'])
})

describe('the check', () => {
  it.each([
    ['a value', "import { compressFile } from '../jobs/compress.ts'"],
    ['a type', "import type { JobContext } from '../jobs/compress.ts'"],
    ['a type among values', "import { type JobContext } from '../jobs/compress.ts'"],
    ['for its effects', "import '../jobs/compress.ts'"],
    ['what it exports again', "export { compressFile } from '../jobs/compress.ts'"],
    ['all it exports again', "export * from '../jobs/compress.ts'"],
    ['later', "const jobs = await import('../jobs/compress.ts')"],
  ])('sees a room that imports %s from a later one', (_, line) => {
    expect(upward(importsOf('core/plan/planted.ts', line))).toEqual(['core/plan/planted.ts -> core/jobs/compress.ts'])
  })

  it('sees the page import the engine, and main the page', () => {
    const planted = [
      ...importsOf('renderer/model/planted.ts', "import { openWeightFile } from '../../core/formats/opening/open.ts'"),
      ...importsOf('main/host/planted.ts', "import { words } from '../../renderer/words/words.ts'"),
    ]
    expect(upward(planted)).toHaveLength(2)
  })

  it('sees a circle of types', () => {
    const planted = [
      ...importsOf('core/svd/a.ts', "import type { B } from './b.ts'"),
      ...importsOf('core/svd/b.ts', "import { c } from './c.ts'"),
      ...importsOf('core/svd/c.ts', "import type { A } from './a.ts'"),
    ]
    expect(circles(planted)).toEqual([['core/svd/a.ts', 'core/svd/b.ts', 'core/svd/c.ts']])
  })

  it.each(['core', 'main', 'renderer'])('refuses a file of a new folder of %s, which is in no room', (tree) => {
    expect(() => upward([{ from: `${tree}/new/a.ts`, to: 'core/io.ts' }])).toThrow(`${tree}/new/a.ts lies in no room`)
  })
})
