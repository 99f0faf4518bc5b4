import type { Message, Words } from '../message.ts'
import type { FileName, Foreign, Quoted } from '../text.ts'

const weightFiles = 'Choose a .safetensors, .pt, .gguf, .npy, .npz or .onnx file.'

/**
 * What readers find in a file. A reader's own words are terse and exact, for the command line and for whoever made the file; the page says
 * what it is and what to do, and quotes them.
 */
export const formats = {
  'formats.dtype': (v: { dtype: Foreign }) => v.dtype,
  'formats.dtype-of-rank': (v: { dtype: Foreign; rank: number }) => `${v.dtype}, rank ${v.rank}`,
  'formats.contradiction': (v: { detail: Foreign }, w: Words) =>
    w.place === 'page'
      ? `This file is damaged, or not what its name says ("${v.detail}"). Download or copy it again.`
      : v.detail,
  'formats.over-limit': (v: { detail: Foreign }, w: Words) =>
    w.place === 'page' ? `This file goes beyond what an honest one holds ("${v.detail}").` : v.detail,
  'formats.unsupported': (v: { where: Foreign; what: Message }, w: Words) => `${v.where}: ${w.text(v.what)}`,
  'formats.nothing': (v: { where: Foreign; what: Foreign }, w: Words) =>
    w.place === 'page' ? `${v.where} has no ${v.what}.` : `${v.where}: expected ${v.what}, got none.`,

  'formats.no-weight-file': (v: { name: FileName; looked: Foreign }) =>
    `${v.name} holds no weight file (looked for ${v.looked}).`,
  'formats.several-models': (v: { name: FileName; count: number; some: readonly FileName[] }, w: Words) =>
    `${v.name} holds ${v.count} models (${w.list(v.some, v.count)}). Open one of them.`,

  'lookalike.text': (v: { name: FileName }) => `${v.name} holds text, not weights. ${weightFiles}`,
  'lookalike.empty': (v: { name: FileName }) => `${v.name} is empty. Download or copy it again.`,
  'lookalike.lfs-pointer': (v: { name: FileName }) =>
    `${v.name} is a Git LFS pointer, not the file itself. Run git lfs pull in its folder and open it again.`,
  'lookalike.web-page': (v: { name: FileName }) =>
    `${v.name} is a web page, perhaps the error page of a download. Download the file again.`,
  'lookalike.packed': (v: { name: FileName; archive: Foreign }) =>
    `${v.name} is a packed archive (${v.archive}). Unpack it first, and open what is in it.`,
  'lookalike.zeros': (v: { name: FileName }) =>
    `${v.name} holds nothing but zeros, as a download that never arrived leaves it. Download it again.`,
  'lookalike.picture': (v: { name: FileName; picture: Foreign }) =>
    `${v.name} is a picture (${v.picture}), not weights. ${weightFiles}`,
  'lookalike.other': (v: { name: FileName; what: Message }, w: Words) =>
    `${v.name} is ${w.text(v.what)}, which is not read here. ${weightFiles}`,
  'lookalike.unknown': (v: { name: FileName; first: Foreign }) =>
    `${v.name} is no weight file: it begins with the unknown bytes ${v.first}. ${weightFiles}`,
  'lookalike.tflite': (v: { name: FileName }) =>
    `${v.name} is a TensorFlow Lite model, which is not read here. Convert it to ONNX (tf2onnx --tflite).`,
  'lookalike.keras': (v: { name: FileName }) =>
    `${v.name} is a Keras archive without weights: model.weights.h5 is not in it.`,
  'lookalike.matlab': (v: { name: FileName }) =>
    `${v.name} is a MATLAB file, which is not read here. Load it with scipy.io.loadmat and save its arrays with numpy.savez.`,
  'kind.pdf': () => 'a PDF document',
  'kind.zip-without-weights': () => 'a zip archive without weights',
  'kind.empty-zip': () => 'an empty zip archive',
  'kind.old-ggml': () => 'an old GGML model from before GGUF',
  'kind.program': () => 'a program',
  'kind.sqlite': () => 'an SQLite database',

  'formats.header-beyond': (v: { where: Foreign; bytes: number; header: number }, w: Words) =>
    `${v.where} is cut short or not what its name says: it announces a header of ${w.count(v.header)} bytes, and the file has ${w.count(v.bytes)}. Download or copy it again.`,
  'formats.cut-short': (v: { where: Foreign; tensor: Quoted; needs: number; has: number }, w: Words) =>
    `${v.where} is cut short: ${v.tensor} ends at byte ${w.count(v.needs)} of the data, and ${w.count(v.has)} bytes are there. Download or copy it again.`,
  'formats.wrong-length': (v: { where: Foreign; needs: number; has: number }, w: Words) =>
    `${v.where} is cut short or damaged: its values need ${w.count(v.needs)} bytes, and ${w.count(v.has)} are there. Download or copy it again.`,
  'formats.zip-cut-short': (v: { where: Foreign }) =>
    `${v.where} is cut short: the directory at its end is missing. Download or copy it again.`,
  'formats.unknown-dtype': (v: { where: Foreign; dtype: Quoted }) =>
    `${v.where} has values of type ${v.dtype}, which are not read here. Convert it to F32, F16 or BF16 first.`,
  'formats.objects': (v: { where: Foreign }) =>
    `${v.where} holds Python objects (a pickle) instead of numbers. They are not opened. Save it as an array of numbers.`,

  'formats.code': (v: { names: readonly Foreign[]; more: number }, w: Words) =>
    `This file would run ${w.list(v.names, v.names.length + v.more)} when loaded with torch.load. GhostSVD did not run it.`,
  'formats.torchscript': () =>
    'A TorchScript archive: it carries a program beside its tensors. Only the tensors were read.',
  'formats.prefix': (v: { prefix: Quoted }) => `Names are shown without ${v.prefix}.`,
  'formats.left-out': (v: { some: readonly Message[]; more: number }, w: Words) =>
    `Left out, because their values are not read: ${w.list(v.some.map(w.text), v.some.length + v.more)}.`,
  'formats.quantized': (v: { encodings: readonly Foreign[] }, w: Words) =>
    `This file is already quantized (${w.list(v.encodings)}): the spectra include quantization noise.`,
  'formats.packed': (v: { schemes: readonly Message[] }, w: Words) =>
    `This file is already quantized (${v.schemes.map(w.text).join('; ')}): its packed tensors and what belongs to them are kept as they are.`,
  'formats.packed-tensor': (v: { scheme: Message }, w: Words) =>
    `Packed values (${w.text(v.scheme)}), not weights one by one; kept as they are.`,
  'formats.beside-packed': (v: { packed: Quoted; scheme: Message }, w: Words) =>
    `It belongs to the packed values of ${v.packed} (${w.text(v.scheme)}); kept as it is.`,
  'formats.scales': (v: { some: readonly Quoted[]; more: number }, w: Words) =>
    `The scale factors beside ${w.list(v.some, v.some.length + v.more)} are not understood; these F8 tensors are kept as they are.`,
  'formats.scale-unknown': (v: {
    scale: Quoted
    dtype: Foreign
    shape: readonly number[]
    codes: Foreign
    ambiguous: boolean
  }) =>
    `Its scale ${v.scale} (${v.dtype} [${v.shape.join(', ')}]) fits ${v.ambiguous ? 'more than one block size' : 'no known layout'}: what its ${v.codes} codes stand for is not known. Kept as it is.`,
  'formats.scales-unknown': (v: { scales: readonly Quoted[]; codes: Foreign }) =>
    `Its scales ${v.scales.join(' and ')} follow no known convention: what its ${v.codes} codes stand for is not known. Kept as it is.`,
  'formats.companion-missing': (v: { name: FileName; missing: FileName }) =>
    `${v.name} holds values alone; what they are stands in ${v.missing}, which is not beside it. Put both into one folder.`,
  'formats.stacked-experts': (v: { count: number }) =>
    `A stack of ${v.count} experts one below the other, as config.json says.`,
  'formats.stored-factors': (v: { rank: number; dtype: 'INT8' | 'F32' }) =>
    `Stored as factors of rank ${v.rank} (${v.dtype}).`,
  'formats.matrices-as-factors': (v: { least: number; most: number; dtypes: readonly string[] }, w: Words) =>
    `Its matrices are stored as factors of rank ${v.least === v.most ? v.least : `${v.least} to ${v.most}`} (${w.list(v.dtypes)}) and multiplied out as they are read.`,
  'formats.names-cut': (v: { count: number; some: Quoted }) =>
    `Names are cut to 8 bytes in this format; ${v.count} that became equal to another of their layer got a number, such as ${v.some}.`,
  'formats.process-shards': (v: { shards: number; tensors: number; some: Quoted }) =>
    `${v.shards} of its ${v.tensors} tensors are shards of larger ones, as one process of several saved them: ${v.some} and the like. Only the shards are here.`,
  'formats.process-shard': (v: { shape: readonly number[]; class: Foreign }) =>
    `One shard of a tensor of [${v.shape.join(', ')}] (${v.class}): its numbers are those of the shard.`,
  'formats.part-unknown': (v: { class: Foreign }) =>
    `A part of a tensor of the class ${v.class}, whose meaning is not known; kept as it is.`,
  'formats.opened-alone': (v: { name: FileName; why: readonly Message[] }, w: Words) =>
    `${v.name} was opened alone, because its index cannot be used. ${w.text(v.why)}`,
  'formats.counted-instead': (v: { index: FileName; count: number }) =>
    `${v.index} names files that are not here; the ${v.count} that their names count were opened instead.`,
  'formats.index-ghosts': (v: { index: FileName; count: number; some: readonly Quoted[] }, w: Words) =>
    v.count === 1
      ? `${v.index} names the tensor ${w.list(v.some)} that no file of the set has.`
      : `${v.index} names ${v.count} tensors (${w.list(v.some, v.count)}) that no file of the set has.`,
  'formats.index-misplaced': (v: { index: FileName; tensor: Quoted; said: Quoted; actual: Quoted; more: number }) =>
    `${v.index} places ${v.tensor} in ${v.said}; it is in ${v.actual}${v.more > 0 ? `, and ${v.more} more in other files than it says` : ''}.`,
  'formats.several-snapshots': (v: { name: FileName; count: number; some: readonly Foreign[] }, w: Words) =>
    `${v.name} has ${v.count} snapshots, and refs/main names none of them. Open one of ${w.list(v.some)}.`,
  'formats.own-output': (v: { count: number; least: number; most: number; error: number | null }, w: Words) =>
    `Compressed by GhostSVD: ${v.count === 1 ? '1 matrix' : `${w.count(v.count)} matrices`}, ${v.least === v.most ? `rank ${v.least}` : `ranks ${v.least} to ${v.most}`}${v.error === null ? '' : `, model error ${w.percent(v.error)}`}. Its factors are shown as they are: a factor of a factor would only add an error.`,
  'formats.adapter': () =>
    'This file is an adapter such as a LoRA: its matrices are factors already, and each is kept as it is.',
}
