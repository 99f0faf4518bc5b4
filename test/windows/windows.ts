/**
 * `npm run test:windows [-- PATTERN]`: the product on Windows, as far as Wine is one (docs/platforms.md). Unit tests whose path matches
 * PATTERN, or all.
 */
import { runUnitTests } from './units.ts'
import { setUpWindows } from './wine.ts'

const [pattern = '.'] = process.argv.slice(2)
setUpWindows()
process.exitCode = (await runUnitTests(new RegExp(pattern))) === 0 ? 0 : 1
