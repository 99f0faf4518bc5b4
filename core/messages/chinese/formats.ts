import type { Translation } from '../english.ts'

const weightFiles = '请选择 .safetensors、.pt、.gguf、.npy、.npz 或 .onnx 文件。'

export const formats = {
  'formats.dtype': (v) => v.dtype,
  'formats.dtype-of-rank': (v) => `${v.dtype}，秩 ${v.rank}`,
  'formats.contradiction': (v) => `此文件已损坏，或与其扩展名不符（“${v.detail}”）。请重新下载或复制。`,
  'formats.over-limit': (v) => `此文件超出正常文件的范围（“${v.detail}”）。`,
  'formats.unsupported': (v, w) => `无法读取 ${v.where}：${w.text(v.what)}。`,
  'formats.nothing': (v) => `文件中没有可读取的内容（“${v.where}”）。`,

  'formats.no-weight-file': (v) => `${v.name} 中没有权重文件（查找了 ${v.looked}）。`,
  'formats.several-models': (v, w) =>
    `${v.name} 中有 ${v.count} 个模型（${w.list(v.some, v.count)}）。请打开其中之一。`,

  'lookalike.text': (v) => `${v.name} 是文本，不是权重。${weightFiles}`,
  'lookalike.empty': (v) => `${v.name} 是空文件。请重新下载或复制。`,
  'lookalike.lfs-pointer': (v) =>
    `${v.name} 是 Git LFS 指针，不是文件本身。请在其文件夹中运行“git lfs pull”，然后重新打开。`,
  'lookalike.web-page': (v) => `${v.name} 是网页，可能是下载时的错误页面。请重新下载该文件。`,
  'lookalike.packed': (v) => `${v.name} 是压缩包（${v.archive}）。请先解压，再打开其中的文件。`,
  'lookalike.zeros': (v) => `${v.name} 全部为零字节，可能下载未完成。请重新下载。`,
  'lookalike.picture': (v) => `${v.name} 是图片（${v.picture}），不是权重。${weightFiles}`,
  'lookalike.other': (v, w) => `${v.name} 是${w.text(v.what)}，此处不读取。${weightFiles}`,
  'lookalike.unknown': (v) => `${v.name} 不是权重文件：开头是未知字节 ${v.first}。${weightFiles}`,
  'lookalike.tflite': (v) => `${v.name} 是 TensorFlow Lite 模型，此处不读取。请转换为 ONNX（“tf2onnx --tflite”）。`,
  'lookalike.keras': (v) => `${v.name} 是不含权重的 Keras 归档：其中没有“model.weights.h5”。`,
  'lookalike.matlab': (v) =>
    `${v.name} 是 MATLAB 文件，此处不读取。请用“scipy.io.loadmat”载入，再用“numpy.savez”保存其数组。`,
  'kind.pdf': () => ' PDF 文档',
  'kind.zip-without-weights': () => '不含权重的 zip 归档',
  'kind.empty-zip': () => '空的 zip 归档',
  'kind.old-ggml': () => ' GGUF 之前的旧 GGML 模型',
  'kind.program': () => '程序',
  'kind.sqlite': () => ' SQLite 数据库',

  'formats.header-beyond': (v, w) =>
    `${v.where} 不完整，或与其扩展名不符：它声明的文件头有 ${w.count(v.header)} 字节，而文件只有 ${w.count(v.bytes)} 字节。请重新下载或复制。`,
  'formats.cut-short': (v, w) =>
    `${v.where} 不完整：${v.tensor} 到数据的第 ${w.count(v.needs)} 字节为止，实际只有 ${w.count(v.has)} 字节。请重新下载或复制。`,
  'formats.wrong-length': (v, w) =>
    `${v.where} 不完整或已损坏：其数值需要 ${w.count(v.needs)} 字节，实际有 ${w.count(v.has)} 字节。请重新下载或复制。`,
  'formats.zip-cut-short': (v) => `${v.where} 不完整：缺少末尾的目录。请重新下载或复制。`,
  'formats.unknown-dtype': (v) => `${v.where} 含有类型为 ${v.dtype} 的值，此处无法读取。请先转换为 F32、F16 或 BF16。`,
  'formats.objects': (v) => `${v.where} 含有 Python 对象（pickle）而非数值，不会打开。请将其另存为数值数组。`,

  'formats.code': (v, w) =>
    `用 “torch.load” 加载此文件会运行 ${w.list(v.names, v.names.length + v.more)}。GhostSVD 没有运行它。`,
  'formats.torchscript': () => '这是 “TorchScript” 归档：张量之外还带有程序。只读取了张量。',
  'formats.prefix': (v) => `显示的名称省略了 ${v.prefix}。`,
  'formats.left-out': (v, w) => `以下内容的值无法读取，已略过：${w.list(v.some.map(w.text), v.some.length + v.more)}。`,
  'formats.quantized': (v, w) => `此文件已量化（${w.list(v.encodings)}）：谱中含有量化噪声。`,
  'formats.packed': (v, w) => `此文件已量化（${w.list(v.schemes.map(w.text))}）：其打包的张量及附属内容保持原样。`,
  'formats.packed-tensor': (v, w) => `打包的数值（${w.text(v.scheme)}），不是逐个的权重；保持原样。`,
  'formats.beside-packed': (v, w) => `附属于 ${v.packed} 的打包数值（${w.text(v.scheme)}）；保持原样。`,
  'formats.scales': (v, w) => `无法理解 ${w.list(v.some, v.some.length + v.more)} 旁的缩放因子；这些 F8 张量保持原样。`,
  'formats.scale-unknown': (v) =>
    `其缩放因子 ${v.scale}（${v.dtype} [${v.shape.join(', ')}]）${v.ambiguous ? '符合不止一种块大小' : '不符合任何已知布局'}：无法得知其 ${v.codes} 编码代表的值。保持原样。`,
  'formats.scales-unknown': (v, w) =>
    `其缩放因子 ${w.list(v.scales)} 不符合任何已知约定：无法得知其 ${v.codes} 编码代表的值。保持原样。`,
  'formats.companion-missing': (v) =>
    `${v.name} 只含数值；其含义记录在 ${v.missing} 中，但该文件不在旁边。请将二者放入同一文件夹。`,
  'formats.stacked-experts': (v) => `据模型的配置文件，这是上下堆叠的 ${v.count} 个专家。`,
  'formats.stored-factors': (v) => `以秩 ${v.rank} 的因子存储（${v.dtype}）。`,
  'formats.matrices-as-factors': (v, w) =>
    `其矩阵以秩 ${v.least === v.most ? v.least : `${v.least} 至 ${v.most}`} 的因子存储（${w.list(v.dtypes)}），读取时相乘。`,
  'formats.names-cut': (v) =>
    `此格式的名称截断为 8 字节；有 ${v.count} 个与同层的其他名称相同，已加编号，如 ${v.some}。`,
  'formats.process-shards': (v) =>
    `${v.tensors} 个张量中有 ${v.shards} 个是更大张量的分片，由多个进程中的一个保存：如 ${v.some}。此处只有这些分片。`,
  'formats.process-shard': (v) => `张量 [${v.shape.join(', ')}] 的一个分片（${v.class}）：数值只属于该分片。`,
  'formats.part-unknown': (v) => `${v.class} 类张量的一部分，其含义未知；保持原样。`,
  'formats.opened-alone': (v, w) => `${v.name} 已单独打开，因为无法使用其索引。${w.text(v.why)}`,
  'formats.counted-instead': (v) => `${v.index} 指向此处没有的文件；已改为打开按名称编号的 ${v.count} 个文件。`,
  'formats.index-ghosts': (v, w) => `${v.index} 中有 ${v.count} 个张量（${w.list(v.some, v.count)}）不在任何文件中。`,
  'formats.index-misplaced': (v) =>
    `${v.index} 称 ${v.tensor} 在 ${v.said} 中；实际在 ${v.actual} 中${v.more > 0 ? `，另有 ${v.more} 个也不在所称的文件中` : ''}。`,
  'formats.several-snapshots': (v, w) =>
    `${v.name} 有 ${v.count} 个快照，而“refs/main”未指向其中任何一个。请打开其中之一：${w.list(v.some)}。`,
  'formats.own-output': (v, w) =>
    `由 GhostSVD 压缩：${w.count(v.count)} 个矩阵，秩 ${v.least === v.most ? v.least : `${v.least} 至 ${v.most}`}${v.error === null ? '' : `，模型误差 ${w.percent(v.error)}`}。因子按原样显示：再次分解只会增加误差。`,
  'formats.adapter': () => '此文件是 LoRA 之类的适配器：其矩阵已是因子，全部保持原样。',
} satisfies Partial<Translation>
