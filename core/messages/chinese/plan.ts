import type { Translation } from '../english.ts'
import type { Words } from '../message.ts'

export const plan = {
  'plan.no-entries': () => '没有元素。',
  'plan.scalar': () => '单个数值。',
  'plan.one-dimensional': () => '一维张量：没有可降低的秩。',
  'plan.dimensions': (v) => `有 ${v.count} 个维度；最多 5 维可视为矩阵。`,
  'plan.dtype': (v) => `${v.dtype} 数值不是可分解的权重；原样复制。`,
  'plan.not-included': () => '不在所选张量之内。',
  'plan.excluded': (v) => `由规则 ${v.pattern} 排除。`,
  'plan.embedding': (_, w) => `嵌入：罕见的行会首先受损。${unless(w)}`,
  'plan.head': (_, w) => `输出头决定每个词元。${unless(w)}`,
  'plan.router': (_, w) => `路由决定由哪个专家运行。${unless(w)}`,
  'plan.narrow': (v, w) => `较小的维度（${w.shape(v.shape)}）低于 ${v.least}：可节省的很少。${unless(w)}`,
  'plan.axes': (v, w) =>
    `它的 ${v.axes} 个轴既不是已知的矩阵堆叠，也不是卷积的轴；视为一个矩阵（${w.shape(v.shape)}）可能没有意义。${unless(w)}`,
  'plan.optimizer': (_, w) => `优化器的状态，不是模型的权重。${unless(w)}`,
  'plan.mask': (_, w) => `掩码，不是权重。${unless(w)}`,
  'plan.positions': (_, w) => `由位置计算得出，不是学习所得。${unless(w)}`,
  'plan.factor': (_, w) => `已是低秩矩阵的因子：再次分解只会增加误差。${unless(w)}`,
  'plan.scale': (v) => `它是 ${v.owner} 的缩放因子。`,
  'plan.scale-in-factors': (v) => `已乘入 ${v.owner} 的因子；不再写出。`,
  'plan.same-storage': (v, w) => `与 ${v.first} 共用存储：${w.text(v.reason)}`,

  'plan.rank': (v, w) => `${w.shape(v.shape)} 降到秩 ${v.rank}：${w.bytes(v.before)} 到 ${w.bytes(v.after)}。`,
  'plan.grows': (v, w) =>
    v.before === v.after
      ? `秩为 ${v.rank}、因子为 ${v.dtype} 时不会变小：${w.bytes(v.before)}。`
      : `秩为 ${v.rank}、因子为 ${v.dtype} 时会从 ${w.bytes(v.before)} 变为 ${w.bytes(v.after)}。`,
  'plan.largest-useful-rank': (v) => `最大的有用秩：${v.rank}。`,
  'plan.copied-as': (v, w) => `副本写为 ${v.dtype}：${w.bytes(v.bytes)}。`,
  'plan.dense-int8': (v) => `以 INT8 写出，${v.scales} 个输出各有一个缩放。`,
  'plan.never-smaller': () => '任何秩都不会使其变小。',
  'plan.size-goal': () => '在大小目标下，保持原样对模型最有利。',
  'plan.model-goal': () => '在整个模型的目标下，保留其原有字节对模型最有利。',
  'plan.rank-limit': (v, w) => `在允许的最大秩下未达到目标：秩 ${v.rank} 时为 ${w.percent(v.error)}。`,
  'plan.break-even': (v, w) => `在盈亏平衡点以下未达到目标：秩 ${v.rank} 时为 ${w.percent(v.error)}。`,
  'plan.too-small-for': (v) => `因子值太小，无法用 ${v.dtype} 表示。`,
  'plan.int8-adds': (v, w) => `INT8 使其误差增加 ${w.increase(v.share)}。`,
  'plan.int8-would-add': (v, w) => `INT8 会使其误差增加 ${w.increase(v.share)}：改用 ${v.dtype} 因子。`,
  'plan.noise': () => '结构不多于随机噪声：降低秩没有帮助。',

  'plan.non-finite': (v) => `${v.name} 含有${nonFinite(v)}。`,
  'plan.name-taken': (v) =>
    `${v.tensor} 的因子将写为 ${v.written}，而此文件中已有同名张量。请排除 ${v.tensor} 使其保持不变，或选择其他布局或输出。`,
  'plan.one-name': (v) => `${v.first} 与 ${v.second} 都将写为 ${v.written}。请排除其中之一，或选择其他输出。`,
  'plan.kept-unchanged': (v, w) => `${w.text(v.why)}已保持原样。`,
  'plan.not-in-output': (v, w) => `${w.text(v.reason)}不属于此输出。`,
  'plan.no-place-for-experts': () => '此输出无法容纳专家堆叠。',
  'plan.no-place-but-linear': () => '在此输出中，只有线性模块的权重会成为因子。',
  'plan.no-place-for-sparse': () => '此输出无法容纳稀疏部分。',
  'plan.no-place-for-int8': () => '此输出只含浮点因子；而要求的是 INT8。',
  'output.names-numbered': (v) =>
    `此类文件的名称只有 8 字节；有 ${v.count} 个会与同层的其他名称相同，因而加上编号：${v.name} 写为 ${v.short}。`,
  'plan.finished-factorized': () => '已由完成的运行分解。',
  'plan.finished-kept': () => '已由完成的运行保留。',
  'plan.finished-left-out': () => '完成的运行未写出它。',
} satisfies Partial<Translation>

const unless = (w: Words) => `除非${w.act('include')}，否则保留。`

export function nonFinite({ nan, inf }: { readonly nan: number; readonly inf: number }): string {
  const counted = (count: number, what: string) => (count > 0 ? [` ${count} 个 ${what} 值`] : [])
  return [...counted(nan, 'NaN'), ...counted(inf, 'Inf')].join('和')
}
