import { describe, expect, it } from 'vitest'
import { findRuntime, type Machine } from '../../main/electron-runtime.ts'

const electronPackage = new URL('../../node_modules/electron', import.meta.url).pathname
const said: string[] = []

function machine(changes: Partial<Machine> & { files?: string[] }): Machine {
  const files = changes.files ?? []
  return {
    environment: { DISPLAY: ':0' },
    platform: 'linux',
    arch: 'x64',
    root: false,
    electronPackage,
    exists: async (path) => files.includes(path),
    list: async () => ['0123abcd'],
    unreachable: async () => 'ENOTFOUND',
    install: async () => 1,
    say: (line) => said.push(line),
    ...changes,
  }
}
const program = `${electronPackage}/dist/electron`

describe('the runtime of Electron', () => {
  it('is the one in node_modules', async () => {
    expect(await findRuntime(machine({ files: [program] }))).toEqual({ program })
  })

  it('is the one of ELECTRON_OVERRIDE_DIST_PATH before any other', async () => {
    const environment = { DISPLAY: ':0', ELECTRON_OVERRIDE_DIST_PATH: '/opt/electron' }
    expect(await findRuntime(machine({ environment, files: [program, '/opt/electron/electron'] }))).toEqual({
      program: '/opt/electron/electron',
    })
    expect(await findRuntime(machine({ environment, files: [program] }))).toEqual({
      missing: 'there is no /opt/electron/electron',
    })
  })

  it('is not fetched where its server cannot be reached', async () => {
    const install = async () => expect.fail('nothing may be fetched')
    expect(await findRuntime(machine({ install }))).toEqual({
      missing: 'it is not installed here and github.com cannot be reached (ENOTFOUND)',
    })
  })

  it('is asked of the mirror that was configured', async () => {
    const asked: [string, number][] = []
    const environment = { DISPLAY: ':0', ELECTRON_MIRROR: 'http://mirror.example:8080/electron/' }
    const unreachable = async (host: string, port: number) => {
      asked.push([host, port])
      return 'ECONNREFUSED'
    }
    await findRuntime(machine({ environment, unreachable }))
    expect(asked).toEqual([['mirror.example', 8080]])
  })

  it('is fetched where its server answers, and where the archive lies in the cache', async () => {
    const fetched = (changes: Partial<Machine>) => {
      const files: string[] = []
      return findRuntime(
        machine({
          exists: async (path) => path.endsWith('.zip') || files.includes(path),
          install: async (script) => {
            expect(script).toBe(`${electronPackage}/install.js`)
            files.push(program)
            return 0
          },
          ...changes,
        }),
      )
    }
    expect(await fetched({ unreachable: async () => null, list: async () => [] })).toEqual({ program })
    expect(await fetched({})).toEqual({ program })
  })

  it('says how to try again where the download failed', async () => {
    expect(await findRuntime(machine({ unreachable: async () => null }))).toEqual({
      missing: 'its download failed (exit code 1; "npx install-electron" tries again)',
    })
  })

  it('is of no use without a display or as root', async () => {
    expect(await findRuntime(machine({ environment: {}, files: [program] }))).toEqual({
      missing: 'there is no display',
    })
    expect(await findRuntime(machine({ root: true, files: [program] }))).toEqual({
      missing: 'its sandbox does not run as root',
    })
    expect(
      await findRuntime(machine({ environment: {}, unreachable: async () => expect.fail('no need to ask') })),
    ).toEqual({
      missing: 'it is not installed here, and there is no display',
    })
  })
})
