import type { Translation } from '../english.ts'

export const statistics = {
  'statistics.none': (v) => `${v.name} 中没有可在此读取的统计数据：imatrix、Hessian、协方差或校准求和。`,
  'statistics.no-match': (v, w) =>
    `${v.name} 的 ${w.count(v.entries)} 个条目（${w.list(v.some)}${v.entries > v.some.length ? '……' : ''}）中，没有一个含有此模型矩阵的样本。`,
  'statistics.width': (v, w) =>
    `${v.file} 属于另一个模型：它为 ${v.name} 统计了 ${w.count(v.width)} 个输入，而该矩阵有 ${w.count(v.inputs)} 个。`,
  'statistics.coverage': (v, w) =>
    `${w.count(v.total)} 个矩阵中有 ${w.count(v.covered)} 个具有统计数据${v.borrowed > 0 ? `（其中 ${w.count(v.borrowed)} 个取自输入相同的另一矩阵）` : ''}${v.covered < v.total ? '；其余不加权' : ''}。`,
  'statistics.relative': () => 'CorDA 将每个样本除以其最大元素：这些统计数据适用于方向，由其得出的输出误差只是相对的。',
} satisfies Partial<Translation>
