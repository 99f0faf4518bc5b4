/** Honest files of every format, small ones: what damage begins with. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { llamafile } from './archives/archives.ts'
import { entry, safetensorsFile, text } from './corpus.ts'

export interface Seed {
  /** Opened by this name; the file that is damaged. */
  readonly name: string
  readonly files: Record<string, Uint8Array>
}

const fixtures = join(import.meta.dirname, '../../fixtures/formats')
const load = (path: string) => new Uint8Array(readFileSync(join(fixtures, path)))
const alone = (name: string, bytes: Uint8Array = load(name)): Seed => ({ name, files: { [name]: bytes } })
const inFolder = (folder: string, name: string): Seed => ({
  name,
  files: Object.fromEntries(readdirSync(join(fixtures, folder)).map((file) => [file, load(`${folder}/${file}`)])),
})

const tensors = safetensorsFile(
  `{"__metadata__":{"format":"pt"},"a":${entry('F32', [2, 3], 0, 24)},"b.c":${entry('BF16', [4], 24, 32)},"é":${entry('U8', [], 32, 33)}}`,
  33,
)
const shard = (name: string) => safetensorsFile(`{"${name}":${entry('F32', [1], 0, 4)}}`, 4)
const index = text(
  '{"metadata":{},"weight_map":{"a":"m-00001-of-00002.safetensors","b":"m-00002-of-00002.safetensors"}}',
)
const shards = { 'm-00001-of-00002.safetensors': shard('a'), 'm-00002-of-00002.safetensors': shard('b') }

export const seeds: Record<string, Seed[]> = {
  safetensors: [alone('x.safetensors', tensors)],
  index: [{ name: 'm.safetensors.index.json', files: { ...shards, 'm.safetensors.index.json': index } }],
  npy: ['version1.npy', 'version2.npy', 'version3.npy'].map((name) => alone(name)),
  npz: ['stored.npz', 'deflated.npz'].map((name) => alone(name)),
  'pytorch zip': ['state-zip.pt', 'checkpoint.ckpt', 'module.pt', 'script.pt', 'protocol4.pt'].map((name) =>
    alone(name),
  ),
  'pytorch legacy': [alone('state-legacy.pt')],
  pickle: [0, 1, 2, 3, 4, 5]
    .map((p) => alone(`arrays-protocol${p}.pkl`))
    .concat([0, 2, 4].map((p) => alone(`tensors-protocol${p}.pkl`))),
  gguf: ['version2.gguf', 'version3.gguf'].map((name) => alone(name)),
  onnx: [alone('values.onnx'), alone('constants.onnx'), inFolder('external-onnx', 'model.onnx')],
  aguf: [alone('factors.aguf')],
  wrapped: [alone('wrapped.pt'), alone('injected.pkl')],
  'torch distributed': [inFolder('distcp', '.metadata'), inFolder('distcp', '__0_0.distcp')],
  'torch export': [alone('exported.pt2'), alone('exported-old.pt2')],
  nemo: [alone('model.nemo'), alone('distributed.nemo')],
  flax: [alone('model.msgpack')],
  keras: [alone('model.h5'), alone('latest.h5'), alone('model.keras')],
  tensorflow: [inFolder('tensorflow', 'model.ckpt.index'), inFolder('tensorflow', 'model.ckpt.data-00000-of-00002')],
  paddle: [alone('model.pdparams')],
  llamafile: [alone('model.llamafile', llamafile(load('version3.gguf')))],
}
