import type { Translation } from '../english.ts'

export const phases = {
  'phase.read': () => '读取',
  'phase.plan': () => '检查数值',
  'phase.analyze': () => '分析',
  'phase.estimate': () => '估计',
  'phase.compress': () => '压缩',
  'phase.verify': () => '核对',
  'phase.convert': () => '转换',
  'phase.sample': () => '生成',
  'phase.selftest': () => '自检',
  'phase.versus': () => '分解',
  'phase.run': () => '运行模型',
  'phase.sketch': () => '草图',
  'phase.iterate': () => '迭代',
  'phase.orthonormalize': () => '正交化',
  'phase.smallSvd': () => '小型 SVD',
  'phase.gram': () => 'Gram 矩阵',
  'phase.eigen': () => '特征值',
  'phase.jacobi': () => 'Jacobi 旋转',
  'phase.lift': () => '还原',
  'phase.measure': () => '测量',
} satisfies Partial<Translation>
