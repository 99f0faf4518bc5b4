import type { Translation } from '../english.ts'

export const statistics = {
  'statistics.none': (v) => `${v.name} 中没有可在此读取的统计数据：imatrix、Hessian、协方差或校准求和。`,
  'statistics.no-match': (v, w) =>
    `${v.name} 的 ${w.count(v.entries)} 个条目（${w.list(v.some, v.entries)}）中，没有一个含有此模型矩阵的样本。`,
  'statistics.width': (v, w) =>
    `${v.file} 属于另一个模型：它为 ${v.name} 统计了 ${w.count(v.width)} 个输入，而该矩阵有 ${w.count(v.inputs)} 个。`,
  'statistics.matrices': (v, w) =>
    `${v.file} 属于另一个模型：它含有 ${v.name} 的 ${w.count(v.matrices)} 个矩阵的统计数据，而该张量有 ${w.count(v.count)} 个矩阵。`,
  'statistics.coverage': (v, w) =>
    `${w.count(v.total)} 个矩阵中有 ${w.count(v.covered)} 个具有统计数据${v.borrowed > 0 ? `（其中 ${w.count(v.borrowed)} 个取自输入相同的另一矩阵）` : ''}${v.covered < v.total ? '；其余不加权' : ''}。`,
  'statistics.needed': (v) =>
    `此配方按输入统计数据（${v.hash.slice(0, 12)}……）加权误差：请用“--statistics”指定其文件。`,
  'statistics.other': (v) => `此配方按另一份统计数据加权误差：${v.hash.slice(0, 12)}……，而非 ${v.found.slice(0, 12)}……`,
  'statistics.norm': (v, w) =>
    `有统计数据的矩阵，其误差是输出的误差，并经正则化：每个输入加上均方值的 ${w.percent(v.squares)}，或在二阶矩上加上平均特征值的 ${w.percent(v.moments)}。`,
  'statistics.uncovered': () => '它没有统计数据：其误差为权重的误差。',
  'statistics.absolute-uncovered': (v, w) =>
    `绝对误差是各输出之和，而有 ${w.count(v.count)} 个待分解的矩阵没有统计数据（${w.list(v.some, v.count)}）。请排除它们，或让每个权重同等对待。`,
  'statistics.relative': () => 'CorDA 将每个样本除以其最大元素：这些统计数据适用于方向，由其得出的输出误差只是相对的。',
} satisfies Partial<Translation>
