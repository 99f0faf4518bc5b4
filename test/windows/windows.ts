/**
 * `npm run test:windows [-- walk | short | PATTERN]`: the product on Windows, as far as Wine is one (docs/platforms.md). All, or the walk
 * through the command line, or what `npm test` runs of both, or the unit tests whose path matches PATTERN.
 */
import { runUnitTests } from './units.ts'
import { walk } from './walk.ts'
import { setUpWindows } from './wine.ts'

const [what = 'all'] = process.argv.slice(2)
/** Where systems differ: files, processes, names. What computes is the same code, and its bytes are held against each other by the walk. */
const different = /test\/main\/(files|system|history)\//

const lacking = whatIsLacking()
if (lacking === null) process.exitCode = (await failures()) === 0 ? 0 : 1
else console.log(`No tests under Wine: ${lacking}`)
// As a part of all tests it is no fault that this machine has no Windows: `npm run pretest` has said how to get one.
if (lacking !== null && what !== 'short') process.exitCode = 1

function whatIsLacking(): string | null {
  try {
    setUpWindows()
    return null
  } catch (error) {
    return (error as Error).message
  }
}

/** The walk and the unit tests side by side: both wait more than they compute. */
async function failures(): Promise<number> {
  const walked = ['all', 'walk', 'short'].includes(what) ? walk(what === 'short') : 0
  const tests = what === 'all' ? /./ : what === 'short' ? different : new RegExp(what)
  const tested = what === 'walk' ? 0 : runUnitTests(tests)
  return (await walked) + (await tested)
}
