/** The unit tests on Windows: bundled here, run by node.exe, counted. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { bundle, bundleName, root, unitTests } from './bundle.ts'
import { leftOut } from './left-out.ts'
import type { Result } from './run-file.ts'
import { windowsNode, windowsPath } from './wine.ts'

/** Below the project, where a bundle finds vitest; of this run alone. */
const work = join(root, 'node_modules/.cache/ghostsvd', `windows-${process.pid}`)

/** @param pattern of the tests' paths @returns how many failed */
export async function runUnitTests(pattern: RegExp): Promise<number> {
  const asked = unitTests().filter((test) => pattern.test(test))
  const tests = asked.filter((test) => leftOut.every(([files]) => !files.test(test)))
  for (const [files, why] of leftOut) {
    const count = asked.filter((test) => files.test(test)).length
    if (count > 0) console.log(`${count} files left out: ${why}.`)
  }
  const [bundles, results] = [join(work, 'bundles'), join(work, 'results')]
  mkdirSync(results, { recursive: true })
  try {
    await bundle(tests, bundles)
    return await runAll(tests, bundles, results)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

async function runAll(tests: readonly string[], bundles: string, results: string): Promise<number> {
  const counts = { pass: 0, fail: 0, skip: 0, todo: 0 }
  const waiting = [...tests]
  const runner = async () => {
    for (let test = waiting.shift(); test !== undefined; test = waiting.shift()) {
      for (const { name, state, errors } of await runFile(test, join(bundles, bundleName(test)), results)) {
        counts[state]++
        if (state === 'fail') console.log(failure(test, name, errors))
      }
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, runner))
  const { pass, fail, skip, todo } = counts
  console.log(`Unit tests: ${pass} passed, ${fail} failed, ${skip + todo} skipped, in ${tests.length} files.`)
  return fail
}

function failure(test: string, name: string, errors: readonly string[]): string {
  return `FAILED ${test} | ${name}\n    ${errors.map((each) => each.split('\n', 1)[0]).join('\n    ')}`
}

async function runFile(test: string, file: string, results: string): Promise<readonly Result[]> {
  const result = join(results, bundleName(test).replace(/\.mjs$/, '.json'))
  const runner = windowsPath(join(import.meta.dirname, 'run-file.ts'))
  const { status, stdout, stderr } = await windowsNode(
    ['--disable-warning=ExperimentalWarning', runner, windowsPath(file), windowsPath(result)],
    { cwd: root },
  )
  if (existsSync(result)) return JSON.parse(readFileSync(result, 'utf8'))
  const why = status === null ? 'it took too long' : `exit code ${status}: ${(stderr || stdout).slice(-2000)}`
  return [{ name: '(the file)', state: 'fail', errors: [why] }]
}
