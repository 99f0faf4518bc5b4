/**
 * NeMo's .nemo: a tar archive with a configuration and the weights, as a checkpoint of PyTorch's (`model_weights.ckpt`, one for each process
 * of a model that is split over several) or as a distributed one (`model_weights/`). The weights are read in place.
 */

import type { ByteSource } from '../../io.ts'
import { say } from '../../messages/english.ts'
import { foreign } from '../../messages/text.ts'
import { openTar, type TarMember, tarFolder } from '../archives/tar.ts'
import { rangeSource } from '../archives/zip.ts'
import type { Format, WeightFile } from '../format.ts'
import { badFile, unsupported } from '../reading/refusal.ts'
import { combine } from '../shards/sharded.ts'
import { metadataName, torchDistributed } from './distributed.ts'
import { checkpointFile } from './pytorch.ts'

export const nemo: Format = {
  id: 'nemo',
  sniff: (head, source) => source.name.toLowerCase().endsWith('.nemo') && head[257] === 117 && head[258] === 115,
  open: async (source) => {
    const members = await openTar(source)
    const files = await weightsIn(source, members)
    const closeAll = async () => {
      for (const file of files) await file.close()
      await source.close()
    }
    const file = combine(files, closeAll)
    const tensorNames = file.tensors.map(({ name }) => name)
    // Its configuration names classes that are made when it is loaded.
    return {
      ...file,
      format: 'nemo',
      safety: 'code-passed-over',
      totalBytes: source.byteLength,
      shards: [{ fileName: source.name, tensorNames }],
    }
  },
}

async function weightsIn(source: ByteSource, members: ReadonlyMap<string, TarMember>): Promise<WeightFile[]> {
  const names = [...members.keys()].sort()
  const checkpoints = names.filter((name) => /(^|\/)model_weights\.ckpt$/.test(name))
  if (checkpoints.length > 1)
    throw unsupported(
      source.name,
      say('unread.nemo-split', { count: checkpoints.length, first: foreign(checkpoints[0]!) }),
    )
  const [checkpoint] = checkpoints
  if (checkpoint !== undefined) {
    const { start, byteLength } = members.get(checkpoint)!
    const part = rangeSource(source, checkpoint, start, byteLength)
    return [await checkpointFile(part)]
  }
  const metadata = names.find((name) => name.split('/').at(-1) === metadataName)
  if (metadata !== undefined) {
    const folder = tarFolder(source, members, metadata.slice(0, -metadataName.length))
    return [await torchDistributed.open(await folder.open(metadataName), folder)]
  }
  if (names.some((name) => name.endsWith('.zarray'))) throw unsupported(source.name, say('unread.nemo-zarr'))
  throw badFile(
    source.name,
    'model_weights.ckpt or model_weights/.metadata',
    names.slice(0, 3).join(', ') || 'an empty archive',
  )
}
