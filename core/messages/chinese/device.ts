import type { Translation } from '../english.ts'

export const device = {
  'device.caught': (v) => `GPU（${v.name}）给出了错误的结果，已被发现：该矩阵及其后的全部矩阵改由 CPU 重新计算。`,
  'device.gone': (v) => `计算途中失去了 GPU（“${v.fault}”）：该矩阵及其后的全部矩阵改由 CPU 计算。`,
  'device.silent': (v) => `GPU 在 ${v.seconds} 秒内没有应答，不再使用：该矩阵及其后的全部矩阵改由 CPU 计算。`,
  'device.no-room': (v, w) => `GPU 的内存放不下 ${w.shape([v.rows, v.cols])} 的矩阵：由 CPU 计算。`,
  'device.refused': (v) => `GPU 拒绝了计算（“${v.fault}”）：该矩阵及其后的全部矩阵改由 CPU 计算。`,
  'device.no-package': (v) =>
    `未使用 GPU：没有安装 npm 包“webgpu”。在 GhostSVD 旁执行 “npm install webgpu@${v.version}” 即可安装。`,
  'device.no-adapter': () => '未使用 GPU：系统没有 Vulkan、Metal 或 Direct3D 12 可用的驱动。',
  'device.not-named': (v, w) =>
    v.found.length === 0
      ? `未使用 GPU：没有 GPU，也就没有名为 ${v.wanted} 的 GPU。`
      : `未使用 GPU：没有名称包含 ${v.wanted} 的 GPU。现有：${w.list(v.found)}。`,
  'device.failed-test': (v) => `未使用 GPU：${v.name} 未通过启动检验（“${v.fault}”）。`,
  'device.not-started': (v) => `未使用 GPU：无法启动（“${v.fault}”）。`,
  'device.late': (v) => `未使用 GPU：在 ${v.seconds} 秒内没有启动。`,
  'device.no-webgpu': () =>
    '未使用 GPU：应用所基于的 Chromium 在此处不提供 WebGPU。“ghostsvd serve”和 npm 包的命令行会自行查找 GPU。',
  'device.next-start': () => '未使用 GPU：在 Linux 上，应用必须在启动前就知道需要 GPU。现已记下：请退出后重新打开。',
  'device.reference': () => '未使用 GPU：参考内核不使用 GPU。',
} satisfies Partial<Translation>
