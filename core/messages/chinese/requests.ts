import type { Translation } from '../english.ts'
import { nonFinite } from './plan.ts'

export const requests = {
  'request.output-of-other': (v) => `输出 ${v.output} 不适用于打开的内容：模型写成模型，差值写成适配器。`,
  'request.invalid': (v) => `请求无效（${v.method}）：“${v.detail}”`,
  'request.unknown': (v) => `此处没有 ${v.method} 这一请求。`,
  'request.one-goal': () => '一次只能有一个目标：大小、误差或能量。',
  'request.int8-layout': () => 'INT8 因子写为 A 与 B。请选择布局“A 与 B”。',
  'request.dense-int8': () =>
    '保留的 INT8 权重在运行时需要还原：只有输出 onnx 能做到。请选择它，或保持来源的数值类型。',
  'request.no-configuration': () =>
    '此输出是供 “transformers” 打开的文件夹：需要权重旁的 “config.json”，但没有可读取的。请选择其他输出。',
  'request.already-quantized': () =>
    '该模型的 “config.json” 已指定一种量化，而供 “transformers” 的文件夹只能有一种。请选择其他输出。',
  'request.modules-layout': () => '模块依次乘以 A 和 B：请选择 A 和 B 作为因子布局。',
  'request.prescribed-dtype': (v) => `此类文件只含 ${v.dtype} 或 INT8 因子。请选择其中之一，或源文件的数值类型。`,
  'request.largest-rank': (v) => `此类文件的秩最大为 ${v.most}；要求的是 ${v.rank}。请选择更小的秩。`,
  'request.size-goal-of-factors': () => '大小目标适用于含整个模型的文件；此输出只含因子。请选择秩或误差。',
  'request.nothing-to-hold': () =>
    '此输出只含因子，而没有矩阵会被分解。请选择其他输出、更低的秩，或指定默认保留的矩阵（“--include”）。',
  'request.archive-name': (v) => `NumPy 归档无法容纳名为 ${v.name} 的张量：作为文件名会指向归档之外。请选择其他输出。`,
  'request.answer-goal': () => '应为大于 0 的输出误差，如“5%”，或保持类别的行的比例，如“same:98%”。',
  'request.answer-goal-output': () => '对回答的目标需要可独立运行的输出：“--output onnx”。',
  'request.answer-goal-alone': () =>
    '对回答的目标会自行寻找大小和秩，且在一次运行中完成：请去掉大小、误差和能量目标以及 “--part”。',
  'request.answer-goal-needed': () =>
    '模型的输入用于对其回答的目标：请给出 “--goal-answer”，或去掉 “--inputs”、“--held-out”、“--judged-by”、“--samples”、“--size” 和 “--model-threads”。',
  'request.size-form': () => '“--size” 的形式为 “NAME=NUMBER”，数字至少为 1。',
  'request.parts-one-file': () => '只有单个 safetensors 文件的输出才能分部分写出。',
  'request.part': (v) => `应为形如 3/8 的部分（从 1/8 到 8/8），得到的是 ${v.text}。`,
  'request.pin-form': () => '应为名称或通配模式、等号和秩，例如 *.q=32。',
  'request.pins-too-coarse': () => '仅已固定的张量，误差就超过目标。请提高它们的秩，或选择更大的误差。',
  'request.kept-too-coarse': () =>
    '仅 INT8 的保留权重就已超出目标允许的误差。请让它们保持来源的数值类型，或选择更大的误差。',
  'request.goal-too-small': (v, w) =>
    `目标为压缩的矩阵留下 ${w.bytes(v.left)}；它们的最小秩已需要 ${w.bytes(v.needed)}。请选择更大的大小、更小的最小秩，或少排除一些张量。`,
  'request.kept-too-large': (v, w) =>
    `仅原样保留的张量就比目标大 ${w.bytes(v.more)}，尚未计入任何矩阵。请选择更大的大小，或少排除一些张量。`,
  'request.sample-too-large': (v, w) =>
    `隐藏维度 ${v.hidden} 的矩阵有 ${w.bytes(v.bytes)}；示例中每个矩阵最多 ${w.bytes(v.limit)}。请选择不超过 16384 的值。`,

  'tensor.no-whole-bytes': (v) => `${v.dtype} [${v.shape.join(', ')}] 不是整数个字节。`,
  'tensor.unknown': (v, w) => `文件中没有张量 ${v.name}。其中有 ${v.count} 个：${w.list(v.some, v.count)}。`,
  'tensor.unfit': (v, w) => `${v.name}：${w.text(v.why)}`,
  'tensor.no-matrix': (v) => `${v.name} 的形状为 [${v.shape.join(', ')}]，不是矩阵：没有可分解的内容。`,
  'tensor.dtype': (v) => `${v.name} 的值为 ${v.dtype}，不是可以分解的权重。`,
  'tensor.non-finite': (v) => `${v.name} 含有${nonFinite(v)}。它没有奇异值；压缩时将保持原样。`,

  'merge.differ': (v) => `这些部分不属于同一次运行：“${v.field}”不同。`,
  'merge.parts': (v, w) => `应为同一次运行的第 1 至 ${v.of} 部分，得到的是 ${w.list(v.found.map(String))}。`,
  'merge.changed': (v) => `${v.part}：${v.name} 与当时写出的内容不同。请重新生成这一部分。`,
  'merge.no-part': (v) => `${v.name} 不是某次运行的一部分（“compress --part I/N”）。`,

  'convert.name': (v) => `${v.name}：名称应以 .safetensors 或 .npy 结尾，转换只写这两种文件。`,
  'convert.one-tensor': (v) =>
    `.npy 文件只含一个张量；此文件有 ${v.count} 个。请用“--tensor”指定一个，或选择以 .safetensors 结尾的名称。`,

  'print.lost': () => '要打印的内容已丢失。',

  'recipe.not-one': (v) => `${v.name} 不是此版本的配方。`,
  'recipe.retired': (v, w) => `${v.name} 要求的输出已不再提供。${w.text(v.why)}`,
  'recipe.globs': (v, w) => `带有 *、? 或 { } 的模式合计最多 ${w.count(v.most)} 个字符。`,
  'recipe.origin': () => '配方由页面中的“保存配方”或“compress --save-recipe”写出。',

  'style.peft-retired': (v, w) =>
    `适配器保存的是加到模型上的差值，而压缩后的模型并不是差值，因此不再写入 PEFT 适配器。请选择：${w.list(v.styles.map((id) => `“${id}”`))}。`,
  'style.kohya-retired': (v, w) =>
    `LoRA 保存的是加到模型上的差值，而压缩后的模型并不是差值，因此不再写入 kohya LoRA。请选择：${w.list(v.styles.map((id) => `“${id}”`))}。`,

  'param.size-goal': () => '应为小于 100 % 的比例，或整数字节数。',
  'param.number': () => '应为数字。',
  'param.whole-number': () => '应为整数。',
  'param.range': (v) => `应在 ${v.min} 到 ${v.max} 之间。`,
  'param.choice': (v, w) => `可选：${w.list(v.choices)}。`,
  'param.names': (v, w) => `应为以逗号分隔的名称，可选：${w.list(v.names.map((name) => `“${name}”`))}。`,

  'estimate.time': () => '时间是根据此机器当前负载下的短样本估计的。',
  'estimate.goal-ranks': (_, w) => `有目标时，秩要在${w.act('plan')}之后才知道：此处的大小按最大的秩计算。`,
  'estimate.int8': (_, w) => `哪些张量使用 INT8 因子要在${w.act('plan')}之后才知道：此处的大小按全部使用 INT8 计算。`,
  'estimate.non-finite': (_, w) =>
    `是否含有 NaN 或 Inf 要在${w.act('plan')}读取全部权重之后才知道：含有的张量会保留，大小随之增加。`,
} satisfies Partial<Translation>
