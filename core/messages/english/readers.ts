import type { Message, Words } from '../message.ts'
import type { FileName, Foreign, Quoted } from '../text.ts'

/** What a reader understands and does not read, and what it was asked for and cannot give. `unread.*` are clauses behind a file's name. */
export const readers = {
  'unread.encrypted': () => 'it is encrypted',
  'unread.split-zip': () => 'it is one part of a split zip archive; join the parts first',
  'unread.zip-method': (v: { method: number }) =>
    `zip compression method ${v.method} is not read; stored and deflated are`,
  'unread.big-endian': () => 'it was written on a big-endian machine; only little-endian checkpoints are read',
  'unread.big-endian-gguf': () => 'it is a big-endian GGUF file; only little-endian ones are read',
  'unread.byte-order': (v: { order: Quoted }) =>
    `its byte order is ${v.order}; only little-endian checkpoints are read`,
  'unread.gguf-version': (v: { version: number }) => `GGUF version ${v.version} is not read; 2 and 3 are`,
  'unread.aguf-version': (v: { version: number }) => `AGUF version ${v.version} is not read; 2 is`,
  'unread.npy-version': (v: { version: string }) => `NPY version ${v.version} is not known; 1.0, 2.0 and 3.0 are`,
  'unread.old-pytorch': (v: { version: number }) =>
    `PyTorch's old format has version ${v.version}; this file has another`,
  'unread.records': () => 'it holds records with named fields, not an array of numbers',
  'unread.storage-type': (v: { type: Quoted }) => `its type ${v.type} is not read, so what follows it cannot be found`,
  'unread.several-models': (v: { count: number; some: readonly FileName[] }, w: Words) =>
    `it holds ${v.count} models (${w.list(v.some)}); unzip it and open one`,
  'unread.transformed-chunks': () =>
    'its chunks are compressed or encrypted; save the checkpoint again without transforms',
  'unread.compressed-index': (v: { type: number }) =>
    `its index is compressed (type ${v.type}); save the checkpoint again with a current TensorFlow`,
  'unread.nemo-split': (v: { count: number; first: Foreign }) =>
    `its weights are split over ${v.count} processes (${v.first} and so on); merge them with NeMo, or unpack it and open one part`,
  'unread.nemo-zarr': () =>
    'its weights are Zarr arrays; convert the checkpoint with a current NeMo, which writes torch_dist',
  'unread.hdf5-version': (v: { version: number }) => `HDF5 superblock version ${v.version} is not read; 0 to 3 are`,
  'unread.hdf5-offsets': (v: { bytes: number }) => `HDF5 with offsets of ${v.bytes} bytes is not read; 8 are`,
  'unread.hdf5-user-block': () => 'HDF5 behind a user block is not read',
  'unread.hdf5-heaps': () =>
    'its groups are kept in fractal heaps, which are not read; write it with h5py without libver="latest"',

  'left-out.link': () => 'a link',
  'left-out.no-dataset': () => 'neither a group nor a dataset',
  'left-out.never-written': () => 'never written',
  'left-out.big-endian': () => 'big-endian',
  'left-out.unused-bits': () => 'numbers with unused bits',
  'left-out.number-bytes': (v: { size: number }) => `numbers of ${v.size} bytes`,
  'left-out.layout': (v: { version: number }) => `layout version ${v.version}`,
  'left-out.chunks': () => 'stored in chunks',
  'left-out.one': (v: { name: Quoted; why: Message }, w: Words) => `${v.name} (${w.text(v.why)})`,
  'left-out.newer-type': (v: { type: Foreign }) => `${v.type}, which is newer than this version`,
  'left-out.no-array': () => 'not an array',
  'left-out.no-numbers': () => 'no numbers',
  'left-out.no-dtype': () => 'no dtype',
  'left-out.sparse': () => 'sparse',
  'left-out.own-pickle': () => 'a pickle of its own',
  'left-out.partitioned': () => 'partitioned over several entries',
  'left-out.python-objects': () => 'Python objects',
  'formats.any-integers': () => 'integers with a scale',

  'formats.no-tensor': (v: { where: Foreign; name: Quoted }) => `${v.where}: has no tensor ${v.name}`,
  'formats.no-tensor-in-set': (v: { name: Quoted }) => `This set has no tensor ${v.name}.`,
  'formats.only-array': (v: { where: Foreign; name: Quoted }) => `${v.where}: has no tensor ${v.name}, only "array"`,
  'formats.values-missing': (v: { where: Foreign; name: Quoted }) =>
    `${v.where}: its values are in ${v.name}, which is not in this folder`,
  'formats.external-missing': (v: { where: Foreign; name: Quoted }) =>
    `${v.where}: its external data ${v.name} is not in this folder`,
  'formats.scale-missing': (v: { tensor: Foreign; scale: Quoted }) =>
    `${v.tensor}: its scale ${v.scale} is not in this file`,
  'formats.set-incomplete': (v: { where: Foreign; needs: number; has: number; missing: Foreign | Quoted }) =>
    `${v.where}: expected ${v.needs} files in this set, got ${v.has}: ${v.missing} is missing`,
  'formats.part-missing': (v: { name: FileName; count: number; whole: FileName; missing: FileName }) =>
    `${v.name}: it is one of ${v.count} parts of ${v.whole}, and ${v.missing} is missing`,
  'formats.not-in-archive': (v: { name: Quoted; archive: FileName }) => `${v.name} is not in ${v.archive}.`,
  'formats.changed': (v: { where: Foreign; what: Foreign; start: number; needs: number; has: number }) =>
    `${v.where}: expected ${v.needs} bytes at ${v.start} (${v.what}), got ${v.has}: the file changed while it was read`,
  'formats.zip-member': (v: { name: Quoted; twice: boolean }) =>
    `A zip archive cannot hold a member called ${v.name}${v.twice ? ' twice' : ''}.`,
  'formats.name-twice': (v: { name: Quoted }) => `A safetensors file cannot hold a second ${v.name}.`,
  'formats.npy-dtype': (v: { dtype: string }) => `NPY has no dtype for ${v.dtype}; choose F32 or F16.`,
}
