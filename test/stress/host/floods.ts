/** More than any page asks for: calls whose answers are not read, runs in the hundreds, pages in the dozens, uploads that trickle. */
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { StressedHost } from './hosts.ts'

export interface Flood {
  readonly what: string
  readonly count: number
  /** What the host's own process grew by meanwhile. */
  readonly grewMB: number
}

/** Each flood `scale` times as large as in the short form. @throws where the host stops answering others */
export async function flood(host: StressedHost, scale: number): Promise<Flood[]> {
  const floods: Record<string, () => Promise<number>> = {
    'calls nobody reads the answers of': async () => {
      const page = await host.bystander()
      page.socket.pause()
      const count = 500 * scale
      for (let i = 0; i < count && page.socket.readyState === page.socket.OPEN; i++) {
        page.socket.send(JSON.stringify({ to: 'host', message: { t: 'q', m: 'runs', i: String(i), a: [] } }))
        if (i % 500 === 0) await wait(5)
      }
      await wait(300)
      page.socket.terminate()
      return count
    },
    'runs asked for at once': async () => {
      const page = await host.bystander()
      const [root] = await page.host.listFolder(null)
      const model = (await page.host.listFolder(root!.grant.id)).find(
        ({ grant }) => grant.name === 'model.safetensors',
      )!
      const count = 10 * scale
      const began = await Promise.allSettled(
        Array.from({ length: count }, async (_, i) => {
          const target = await page.host.createTarget(root!.grant.id, `flood-${i}.safetensors`)
          return page.host.startRun({
            ...{ kind: 'compress', files: { model: model.grant.id }, target: target.id, output: 'factors' },
            params: { rank: 2, threads: 1 },
          })
        }),
      )
      // Four run, each with an engine of its own, beside those of the pages.
      if (host.engines() > 4 + 3) throw new Error(`${host.engines()} engines`)
      for (const run of began)
        if (run.status === 'fulfilled') await page.host.cancelRun(run.value, false).catch(() => {})
      const refused = began.filter(({ status }) => status === 'rejected').length
      if (count > 70 && refused === 0) throw new Error('no run was refused')
      await page.close()
      return count
    },
    'pages at once': async () => {
      const count = 6 * scale
      const pages = await Promise.allSettled(Array.from({ length: count }, () => host.bystander()))
      for (const page of pages) if (page.status === 'fulfilled') page.value.socket.terminate()
      await wait(500)
      return count
    },
    'connections that say nothing': async () => {
      const { hostname, port } = new URL(host.url)
      const count = 25 * scale
      const sockets = Array.from({ length: count }, () => connect(Number(port), hostname).on('error', () => {}))
      await wait(100)
      for (const socket of sockets) socket.write('POST /upload?name=x.safetensors HTTP/1.1\r\nHost: 127.0.0.1\r\n')
      await (await host.bystander()).close()
      for (const socket of sockets) socket.destroy()
      return count
    },
  }
  const found: Flood[] = []
  for (const [what, act] of Object.entries(floods)) {
    const before = host.memoryMB()
    const count = await act()
    await (await host.bystander()).close()
    found.push({ what, count, grewMB: host.memoryMB() - before })
  }
  return found
}
