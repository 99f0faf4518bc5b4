/**
 * A folder of Hessians as relaxml's tools leave them: one checkpoint for each layer and kind of projection, `0_qkv.pt`. As one set their tensors
 * are named after their files: `0_qkv.flatH`.
 */
import { endsLikeWeights } from '../../weight-formats.ts'
import type { WeightFile } from '../format.ts'
import { overLimit } from '../reading/refusal.ts'
import { combine, type OpenShard } from './sharded.ts'

/** Each is an open file; 126 layers have 504. */
const maxHessians = 4096

const hessianName = /^\d+_(qkv|q|k|v|o|up|gate|down)\.pt$/

/** The files of such a folder in order of layers; null for any other folder. */
export function hessiansIn(present: ReadonlySet<string>): string[] | null {
  const names = [...present].filter((name) => hessianName.test(name))
  const others = [...present].some((name) => endsLikeWeights(name) && !hessianName.test(name))
  if (names.length === 0 || others) return null
  return names.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1))
}

/** @throws AppError `over-limit`; whatever opening one of them throws */
export async function openHessians(names: readonly string[], openShard: OpenShard): Promise<WeightFile> {
  if (names.length > maxHessians) throw overLimit(names[0]!, 'files', maxHessians, names.length, 'each is an open file')
  const files: WeightFile[] = []
  const closeAll = async () => {
    for (const file of files) await file.close()
  }
  try {
    for (const name of names) files.push(renamed(await openShard(name), name.slice(0, -'.pt'.length)))
    return combine(files, closeAll)
  } catch (error) {
    await closeAll()
    throw error
  }
}

function renamed(file: WeightFile, prefix: string): WeightFile {
  const own = new Map(file.tensors.map((tensor) => [`${prefix}.${tensor.name}`, tensor]))
  const tensors = [...own].map(([name, { sharesStorageWith: _, ...tensor }]) => ({ ...tensor, name }))
  return {
    ...file,
    tensors,
    shards: [{ fileName: file.shards[0]!.fileName, tensorNames: tensors.map(({ name }) => name) }],
    read: (tensor, start, end) => file.read(own.get(tensor.name) ?? tensor, start, end),
  }
}
