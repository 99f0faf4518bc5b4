/**
 * The built engine behind a pipe, for judges in other languages: a line of JSON in, {path, jobs: [job, ...]} with the fields of a job request without its
 * file, a line out: {reports: [report or {fault}, ...]}. One engine for all lines, so thousands of jobs start one process.
 */
import { createInterface } from 'node:readline'
import { engineClient } from '../../core/client/engine-client.ts'
import type { JobRequest } from '../../core/contract.ts'
import { forkEngine } from '../../main/engine/parent/host-process.ts'
import { startEngine } from '../../main/engine/parent/supervisor.ts'
import { createGrants } from '../../main/files/grants.ts'

type Wish = Record<string, unknown> & { readonly kind: string; readonly target?: string }

const grants = createGrants()
const product = new URL('../../out/main/engine.js', import.meta.url)
const engine = startEngine({ paths: grants, spawn: () => forkEngine(product) })
const client = engineClient(engine.connect())

for await (const line of createInterface({ input: process.stdin })) {
  const { path, jobs } = JSON.parse(line) as { path: string; jobs: Wish[] }
  const reports: unknown[] = []
  try {
    const { fileId } = await client.api.open((await grants.grant(path)).id)
    for (const { target, ...job } of jobs) {
      const request = {
        ...job,
        files: { model: fileId },
        ...(target !== undefined && { target: grants.target(target).id }),
      }
      try {
        reports.push(await client.run(request as unknown as JobRequest))
      } catch (error) {
        reports.push({ fault: String(error) })
      }
    }
    await client.api.close(fileId)
  } catch (error) {
    reports.push({ fault: String(error) })
  }
  process.stdout.write(`${JSON.stringify({ reports })}\n`)
}
client.close()
await engine.stop()
