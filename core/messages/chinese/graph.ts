import type { graph as english } from '../english/graph.ts'
import type { Translation } from '../english.ts'

export const graph: Pick<Translation, keyof typeof english> = {
  'graph.in-function': () => '它位于模型的函数中，该函数可能以其他形状被调用：保持原样。',
  'graph.old-opset': (v) => `模型使用第 ${v.opset} 版算子；运行时支持第 ${v.least} 版及以后：保持原样。`,
  'graph.is-output': () => '它同时是其计算图的输出：保持原样。',
  'graph.is-input': () => '它同时是模型的输入，运行者可能替换它：保持原样。',
  'graph.unused': () => '没有节点使用它：保持原样。',
  'graph.other-node': (v) =>
    `使用它的节点（${v.operator}）不能接受因子：保持原样。MatMul、Gemm、单组 Conv 以及按行的 Gather 可以。`,
  'graph.mixed': () => '有的节点把它当作矩阵，有的当作卷积核：保持原样。',
  'graph.names-taken': () => '计算图中已有与其因子同名的值：保持原样。',
  'request.no-graph': () => '只有 ONNX 模型才能写成可独立运行的模型：此文件只有权重，没有计算图。请选择其他输出。',
  'request.graph-layout': () => '计算图依次乘以 A 和 B：请选择 A 和 B 作为因子布局。',
  'request.graph-foreign-values': (v) => `${v.name} 的值位于模型之外，且其类型不受支持，无法复制。请选择其他输出。`,
  'request.graph-too-large': (v) =>
    `该模型将有 ${v.bytes} 字节；此格式的单个文件最多容纳 ${v.limit} 字节。请选择更小的大小或其他输出。`,
}
