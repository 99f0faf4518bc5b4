import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import { commandLine } from '../../../../main/cli/program.ts'
import {
  chromiumSwitches,
  filesOf,
  lacksDisplay,
  namesGpu,
  ownParameters,
} from '../../../../main/desktop/lifecycle/parameters.ts'

describe('switches of Chromium', () => {
  const command = ['inspect', 'model.npy', '--json']

  it.each([
    ['first, as AppImage puts it', ['--no-sandbox', ...command]],
    ['last', [...command, '--no-sandbox']],
    ['in the middle', ['inspect', '--no-sandbox', '--js-flags=--max-old-space-size=64', 'model.npy', '--json']],
    ['of Playwright', ['--inspect=0', '--remote-debugging-port=0', ...command]],
  ])('are not parameters: %s', (_where, given) => {
    expect(ownParameters(['/opt/GhostSVD/ghostsvd', ...given], false)).toEqual(command)
  })

  it('stand before the folder that Electron is given', () => {
    expect(ownParameters(['electron', '--no-sandbox', '.', ...command], true)).toEqual(command)
  })

  it('are nothing of the kind behind --', () => {
    expect(ownParameters(['ghostsvd', '--no-sandbox', '--', '--no-sandbox'], false)).toEqual(['--', '--no-sandbox'])
  })

  it('are no flags of the command line, and those are left', async () => {
    const help = async (...words: string[]) => {
      const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
      await commandLine(['', '', ...words, '--help'])
      const text = write.mock.calls.join('')
      write.mockRestore()
      return text
    }
    const names = [...(await help()).matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name!)
    expect(names).toContain('compress')
    let all = ''
    for (const name of names) all += await help(name)
    const flags = [...all.matchAll(/--([a-z-]+)/g)]
    expect(flags.length).toBeGreaterThan(names.length)
    expect(flags.filter(([, flag]) => chromiumSwitches.has(flag!))).toEqual([])
    const given = ['compress', 'a', '--rank', '8', '--no-sandbox-please']
    expect(ownParameters(['ghostsvd', ...given], false)).toEqual(given)
  })
})

describe('files to open', () => {
  it('are relative to where the application was called, and may be URLs', () => {
    const url = pathToFileURL(resolve('/models/a b.npy')).href
    expect(filesOf(['x.npy', url], '/home/me')).toEqual([resolve('/home/me/x.npy'), resolve('/models/a b.npy')])
  })

  it('begin with no dash, but behind --', () => {
    expect(filesOf(['-psn_0_4711', '--unknown', ''], '/')).toEqual([])
    expect(filesOf(['a', '--', '-b'], '/')).toEqual([resolve('/a'), resolve('/-b')])
  })
})

it('needs a display on Linux, of X or of Wayland, unless Chromium was told how to do without', () => {
  expect(lacksDisplay('linux', {}, [])).toBe(true)
  expect(lacksDisplay('linux', { DISPLAY: ':0' }, [])).toBe(false)
  expect(lacksDisplay('linux', { WAYLAND_DISPLAY: 'wayland-0' }, [])).toBe(false)
  expect(lacksDisplay('linux', {}, ['--ozone-platform=headless'])).toBe(false)
  expect(lacksDisplay('darwin', {}, [])).toBe(false)
})

it('knows a command that names a GPU from all others', () => {
  for (const named of [
    ['--device', 'gpu'],
    ['--device=gpu'],
    ['--device', 'gpu:Arc'],
    ['--device=gpu:Arc', '--rank', '8'],
  ])
    expect(namesGpu(['compress', 'm', ...named]), named.join(' ')).toBe(true)
  for (const other of [[], ['--device', 'cpu'], ['--device=auto'], ['--device'], ['--devices', 'gpu'], ['gpu']])
    expect(namesGpu(['compress', 'm', ...other]), other.join(' ')).toBe(false)
})
