import type { Translation } from '../english.ts'

export const runs = {
  'analysis.rank-used': (v) => `秩 ${v.rank} 超过此矩阵的上限；使用 ${v.used}。`,
  'analysis.oversample-used': (v) => `过采样 ${v.oversample} 与秩 ${v.rank} 之和过大；使用 ${v.used}。`,
  'analysis.stored-as': (v) => `以 ${v.encoding} 存储：谱中含有其量化噪声。`,
  'analysis.first-of-stack': (v) => `由 ${v.count} 个矩阵叠成：这是第一个。`,

  'run.resumed': (v) => `此前的运行已完成 ${v.total} 个张量中的 ${v.done} 个，从那里继续。`,
  'run.other-source': () => other('读取的是另一个源文件，或更改前的此文件'),
  'run.other-recipe': () => other('设置不同'),
  'run.other-part': () => other('写的是另一部分'),
  'run.other-version': () => other('来自 GhostSVD 的另一版本'),
  'run.other-device': (v) =>
    `${v.name} 已完成的部分由其他硬件计算（“${v.before}”），与本次（“${v.now}”）不同。请用开始时的设备继续，或重新开始。`,
  'run.other-arithmetic': () => other('来自舍入方式不同的机器'),
  'run.other-layout': () => other('计划不同'),
  'run.journal-unreadable': () => other('日志无法读取'),
  'run.journal-damaged': () => '此处遗留的未完成运行的日志已损坏：损坏处之后的内容已重新计算。',
  'run.unused-source-changed': (v) => `${v.total} 个已完成张量中有 ${v.count} 个未被使用：源文件此后已更改。`,
  'run.unused-damaged': (v) => `${v.total} 个已完成张量中有 ${v.count} 个未被使用：写出的内容已损坏。`,
  'run.finished-before': (v) => `${v.name} 此前已用相同设置从同一源文件完成。已重新读取并核对全部内容，未重新写入。`,
  'run.goal-missed': (v, w) =>
    `未达到大小目标：写出 ${w.count(v.written)} 字节，目标为 ${w.count(v.goal)} 字节。无法分解的张量保持原样。`,
  'run.error-goal-missed': (v, w) => `未达到误差目标：达到 ${w.percent(v.error)}，目标为 ${w.percent(v.goal)}。`,
  'run.error-goal-unknown': (v, w) => `并非所有范数都已知，因此不知道是否达到 ${w.percent(v.goal)} 的误差目标。`,
  'run.error-goal-missed-by': (v, w) =>
    `${v.total} 个张量中有 ${v.count} 个未达到误差目标，其中 ${v.name} 相差最大：${w.percent(v.error)}，目标为 ${w.percent(v.goal)}。`,
  'run.finished-so-far': (v, w) => `${v.total} 个张量中已完成 ${v.done} 个；可用${w.act('resume')}继续。`,
  'run.finished-with-source': (v, w) =>
    `${v.total} 个张量中已完成 ${v.done} 个；源文件恢复原样后，可用${w.act('resume')}继续。`,
  'run.settings-of': (v) => `这些是写出 ${v.name} 的那次运行的设置。`,
  'run.settings-of-measured': (v, w) => `这些是写出 ${v.name} 的那次运行的设置，其模型误差为 ${w.percent(v.error)}。`,
  'run.finished-kept': (_, w) => `已完成的张量已保留；可用${w.act('resume')}继续。`,

  'overflow.factors': (v) => `${v.name}：${v.of} 个因子值中有 ${v.count} 个超出 ${v.dtype} 的范围。`,
  'overflow.scales': (v) => `${v.name}：因子值超出 F32 缩放因子的范围。`,
  'overflow.vanished': (v) => `${v.name}：因子值太小，超出 ${v.dtype} 的范围。`,
  'overflow.worthless': (v, w) =>
    `舍入为 ${v.dtype} 后，其因子的误差将为 ${w.percent(v.error)}。请选择更宽的数值类型。`,
  'overflow.choose-wider': () => '请选择 BF16 或 F32 因子。',
  'overflow.choose-floating': () => '请选择浮点因子。',
  'overflow.choose-own-dtype': () => '请为因子选择源文件的数值类型。',
  'overflow.choose-ab': () => '请选择布局“A 与 B”。',
  'overflow.leave-out': () => '请排除此张量。',
  'overflow.dense': (v) => `${v.name}：重建的值中有 ${v.count} 个超出 ${v.dtype} 的范围。`,
  'overflow.sparse': (v) => `${v.name}：稀疏部分的值超出 ${v.dtype} 的范围。请不要使用稀疏部分。`,
  'check.failed': (v) => `${v.name}：内部检查失败（“${v.detail}”）。这是程序的错误，不是文件的错误；请报告。`,

  'selftest.eckart-young': () => '任何秩 k 的误差都不低于精确 SVD（Eckart-Young），也都不超过 100 %。',
  'selftest.theory': () => '随机噪声的精确误差与理论一致。',
  'selftest.orthonormal': () => '奇异向量的正交性达到 1e-6。',
  'selftest.same-bits': () => '相同的种子得到相同的比特。',
  'selftest.failed': () => '自检失败：此机器上的数值不可信。',
} satisfies Partial<Translation>

function other(how: string): string {
  return `此处留有一次未完成的运行，但${how}。未使用其内容。`
}
