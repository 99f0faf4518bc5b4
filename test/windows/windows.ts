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

setUpWindows()
let failed = 0
if (['all', 'walk', 'short'].includes(what)) failed += await walk(what === 'short')
if (what !== 'walk')
  failed += await runUnitTests(what === 'all' ? /./ : what === 'short' ? different : new RegExp(what))
process.exitCode = failed === 0 ? 0 : 1
