/**
 * The short form of `npm run stress`: each attack a few times, on the built program; how often, and for how long, is printed. A host serves the page, which
 * `npm test` has built by then; where it was not, the attacks on hosts are left out.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { can } from '../system.ts'
import { type Attacks, prepareAttacks } from './attacks.ts'

const timeout = 120_000

const hasPage = existsSync(join(import.meta.dirname, '../../out/renderer/index.html'))
if (!hasPage) console.log('Attacks on hosts are left out: the page is not built (npm run build).')

// Attackers look into /proc and put pipes and links where files were.
describe.runIf(can.proc)('under attack', { timeout }, () => {
  let attacks: Attacks
  const lines: string[] = []
  const attack = async (act: () => Promise<string>): Promise<string> => {
    const start = performance.now()
    const line = await act()
    lines.push(`${line} (${((performance.now() - start) / 1000).toFixed(1)} s)`)
    return line
  }
  beforeAll(async () => {
    attacks = await prepareAttacks(7)
  }, timeout)
  afterAll(async () => {
    await attacks.end()
    console.log(`stress, in short:\n  ${lines.join('\n  ')}`)
  }, timeout)

  it.runIf(hasPage)('a host lives through frames that no page sends', async () => {
    expect(await attack(() => attacks.frames(150))).toMatch(/^150 frames: \d+ answered, \d+ pages closed/)
  })
  it.runIf(hasPage)('a host lives through floods', async () => {
    expect(await attack(() => attacks.floods(1))).toContain('runs asked for at once')
  })
  it.runIf(hasPage)('a folder that is swapped for a link lets nothing out or in', async () => {
    expect(await attack(() => attacks.swaps(100))).toContain('nothing outside reached')
  })
  it('a damaged cache changes no byte', async () => {
    const line = await attack(() => attacks.cacheOfDriver(16))
    expect(line).toBe('16 damaged caches of 16 kinds: the same bytes each time')
  })
  it('a power cut at any step leaves what the next run makes the same bytes of', async () => {
    expect(await attack(() => attacks.cuts(30))).toContain('0 wrong')
  })
})
