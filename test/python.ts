/** Debian's Python, where it is there, and whether it has the packages that a test asks for. */
import { spawnSync } from 'node:child_process'

export const python = '/usr/bin/python3'

/** Whether it runs and has these packages, for `it.runIf`. They are looked for and not imported: torch takes seconds. */
export function pythonHas(...packages: readonly string[]): boolean {
  const script = 'import importlib.util, sys; sys.exit(any(importlib.util.find_spec(p) is None for p in sys.argv[1:]))'
  return spawnSync(python, ['-c', script, ...packages]).status === 0
}
