import type { Translation } from '../english.ts'

export const nothing = {
  'nothing.compressed': (v, w) => `没有矩阵被压缩。${w.text(v.parts)}`,
  'nothing.none': (_, w) => `每个张量都未被选择，或因名称、形状而保留；若${w.act('include')}，矩阵会被分解。`,
  'nothing.rank': (v) => `秩为 ${v.rank} 时，没有矩阵会变小。`,
  'nothing.smaller-rank': (v) => `能使某个矩阵变小的最大秩为 ${v.rank}。`,
  'nothing.size': (v, w) => `在此大小下，${w.count(v.count)} 个矩阵均以完整保留为最佳：请选择更小的大小。`,
  'nothing.error': (v, w) => `在盈亏平衡点以下，没有矩阵能达到 ${w.percent(v.goal)}：最小为 ${w.percent(v.least)}。`,
  'nothing.model-error': (v, w) =>
    `压缩任何一个矩阵都会使模型误差达到 ${w.percent(v.least)} 以上；目标是 ${w.percent(v.goal)}。`,
  'nothing.rank-limit': (v, w) =>
    `秩不超过允许的最大值 ${v.rank}（${w.act('max-rank')}）时，最小误差为 ${w.percent(v.least)}；目标是 ${w.percent(v.goal)}。`,
  'nothing.error-unknown': (v, w) => `没有矩阵能在误差不超过 ${w.percent(v.goal)} 时变小。`,
  'nothing.noise': (v, w) => `${w.count(v.count)} 个中有 ${w.count(v.noisy)} 个的结构不多于随机噪声。`,
  'nothing.dense-int8': (v, w) => `以 INT8 保留（${w.act('dense-int8')}）时，文件约为原来的 ${w.percent(v.share)}。`,
  'nothing.int8-factors': (v, w) =>
    `使用 INT8 因子（${w.act('int8-factors')}）时，文件约为原来的 ${w.percent(v.share)}。`,
  'nothing.quantize': () => '这样的权重可用量化缩小。',
  'nothing.statistics': (_, w) => `若按各层输出的误差计（${w.act('statistics')}），仍有可能压缩。`,
} satisfies Partial<Translation>
