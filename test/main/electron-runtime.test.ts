/** Where Electron's runtime comes from, on paper; and how this machine asks for it, at servers of this test's own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import { inEnglish } from '../../core/messages/english.ts'
import * as runtime from '../../main/electron-runtime.ts'
import { type Machine, thisMachine } from '../../main/electron-runtime.ts'

const electronPackage = fileURLToPath(new URL('../../node_modules/electron', import.meta.url))
const told: string[] = []

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
    tell: (what) => void told.push(inEnglish(what)),
    ...changes,
  }
}

/** What is missing in English. */
async function findRuntime(asked: Machine) {
  const found = await runtime.findRuntime(asked)
  return 'missing' in found ? { missing: inEnglish(found.missing) } : found
}
const program = `${electronPackage}/dist/electron`

async function addressAsked(environment: NodeJS.ProcessEnv): Promise<string> {
  let asked = ''
  const unreachable = async (url: URL) => {
    asked = url.href
    return 'ECONNREFUSED'
  }
  await findRuntime(machine({ environment, unreachable }))
  return asked
}

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

  it.each([
    ['ELECTRON_MIRROR'],
    ['npm_config_electron_mirror'],
    ['NPM_CONFIG_ELECTRON_MIRROR'],
    ['npm_package_config_electron_mirror'],
  ])('is asked of the mirror that %s names', async (name) => {
    const environment = { DISPLAY: ':0', [name]: 'http://mirror.example:8080/electron/' }
    expect(await addressAsked(environment)).toMatch(
      /^http:\/\/mirror\.example:8080\/electron\/v\d+\.\d+\.\d+\/electron-v\d+\.\d+\.\d+-linux-x64\.zip$/,
    )
  })

  it('is asked of the folder and by the name that were configured', async () => {
    const environment = {
      DISPLAY: ':0',
      ELECTRON_MIRROR: 'https://mirror.example/',
      npm_config_electron_custom_dir: '{{ version }}/folder',
      ELECTRON_CUSTOM_FILENAME: 'own.zip',
    }
    expect(await addressAsked(environment)).toMatch(/^https:\/\/mirror\.example\/\d+\.\d+\.\d+\/folder\/own\.zip$/)
    const missing = { missing: expect.stringContaining('is not a valid download address') }
    expect(await findRuntime(machine({ environment: { DISPLAY: ':0', ELECTRON_MIRROR: 'mirror' } }))).toEqual(missing)
  })

  it("is asked of the proxy of npm's configuration, unless the environment names one", async () => {
    const proxies = async (environment: NodeJS.ProcessEnv) => {
      let seen: NodeJS.ProcessEnv = {}
      const unreachable = async (_url: URL, given: NodeJS.ProcessEnv) => {
        seen = given
        return 'ECONNREFUSED'
      }
      await findRuntime(machine({ environment: { DISPLAY: ':0', ...environment }, unreachable }))
      return [seen.HTTP_PROXY, seen.HTTPS_PROXY, seen.https_proxy, seen.NO_PROXY]
    }
    expect(await proxies({ npm_config_proxy: 'http://a:1', npm_config_noproxy: 'b' })).toEqual([
      ...['http://a:1', 'http://a:1', undefined, 'b'],
    ])
    expect(await proxies({ npm_config_https_proxy: 'http://a:1', https_proxy: 'http://c:1' })).toEqual([
      ...[undefined, undefined, 'http://c:1', undefined],
    ])
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
      missing: 'its download failed as said above, with exit code 1; "npx install-electron" tries again',
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

describe('this machine', () => {
  /** A server that counts what it is asked, and answers 404; a proxy is asked for whole addresses, or to connect. */
  async function listening(): Promise<{ url: string; asked: string[]; close(): void }> {
    const asked: string[] = []
    const server = createServer((request, response) => {
      asked.push(request.url!)
      response.writeHead(404).end()
    })
    server.on('connect', (request, socket) => {
      asked.push(request.url!)
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    return { url: `http://127.0.0.1:${port}`, asked, close: () => server.close() }
  }
  const { unreachable, install } = thisMachine()

  it('reaches a server that answers, whatever it answers, and says why another cannot be reached', async () => {
    const server = await listening()
    expect(await unreachable(new URL(`${server.url}/e.zip`), {})).toBeNull()
    expect(server.asked).toEqual(['/e.zip'])
    server.close()
    await vi.waitFor(async () => expect(await unreachable(new URL(server.url), {})).toBe('ECONNREFUSED'))
    expect(await unreachable(new URL('http://mirror.invalid/'), {})).toMatch(/ENOTFOUND|EAI_AGAIN/)
  })

  it('asks the proxy instead of the server, and neither where the server is not to be asked through it', async () => {
    const proxy = await listening()
    const environment = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url }
    expect(await unreachable(new URL('http://mirror.invalid/e.zip'), environment)).toBeNull()
    expect(await unreachable(new URL('https://mirror.invalid/e.zip'), environment)).not.toBeNull()
    expect(proxy.asked).toEqual(['http://mirror.invalid/e.zip', 'mirror.invalid:443'])
    expect(
      await unreachable(new URL('http://mirror.invalid/'), { ...environment, NO_PROXY: 'mirror.invalid' }),
    ).toMatch(/ENOTFOUND|EAI_AGAIN/)
    expect(proxy.asked).toHaveLength(2)
    proxy.close()
  })

  it("lets Electron's own downloader ask the mirror through the proxy", async () => {
    const proxy = await listening()
    const cache = await mkdtemp(join(tmpdir(), 'ghostsvd-electron-'))
    const environment = {
      PATH: process.env.PATH,
      HTTP_PROXY: proxy.url,
      NODE_USE_ENV_PROXY: '1',
      ELECTRON_MIRROR: 'http://mirror.invalid/',
      ELECTRON_OVERRIDE_DIST_PATH: join(cache, 'none'),
      electron_config_cache: cache,
    }
    expect(await install(join(electronPackage, 'install.js'), environment)).toBe(1)
    expect(proxy.asked.join()).toContain('mirror.invalid')
    proxy.close()
    await rm(cache, { recursive: true })
  })
})
