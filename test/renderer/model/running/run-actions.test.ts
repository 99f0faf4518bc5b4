import { expect, test, vi } from 'vitest'
import type { Grant } from '../../../../core/contract.ts'
import { useFile } from '../../../../renderer/choices/file.ts'
import { startRun } from '../../../../renderer/model/running/run-actions.ts'

const host = vi.hoisted(() => ({ startRun: vi.fn(async () => 'run'), runs: vi.fn(async () => []) }))
vi.mock('../../../../renderer/frame/connection.ts', () => ({ connection: () => ({ host }) }))

const grant = (id: string, kind: Grant['kind']): Grant => ({ id, name: id, kind, byteLength: null })

test('a run replaces what is there only where the user was asked', async () => {
  useFile.setState({ grant: grant('source', 'file') })
  for (const force of [false, true]) {
    await startRun(grant('target', 'target'), force)
    expect(host.startRun).toHaveBeenLastCalledWith(
      expect.objectContaining({ files: { model: 'source' }, target: 'target', force }),
    )
  }
})
