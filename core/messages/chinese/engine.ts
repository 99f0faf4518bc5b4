import { mebibytes } from '../english/engine.ts'
import type { Translation } from '../english.ts'

export const engine = {
  'engine.connection-lost': () => '与引擎的连接已断开。',
  'engine.stopped': () => '引擎已停止。',
  'engine.late': (v) => `引擎未能在 ${v.seconds} 秒内启动。`,
  'engine.out-of-memory': () => '引擎内存不足，已结束。请选择更小的张量，或关闭其他程序。',
  'engine.killed': () => '引擎被终止（SIGKILL）。内存不足时系统会这样做；也可能是有人手动结束了它。',
  'engine.crashed': (v) => `引擎崩溃（${v.signal}）。`,
  'engine.ended': (v) => `引擎被外部结束（${v.signal}）。`,
  'engine.terminated': () => '引擎被任务管理器、系统或其他程序从外部结束。',
  'engine.vanished': () => '引擎已结束，没有留下原因。可能是崩溃，或被外部结束；内存不足时系统会这样做。',
  'engine.failed': (v) => `引擎出错（“${v.fault}”）。`,
  'engine.failed-with-code': (v) => `引擎出错（“${v.fault}”），退出代码 ${v.code}。`,
  'engine.exited': (v) => `引擎意外结束，退出代码 ${v.code}。`,
  'engine.not-given': () => '此文件未交给此引擎。请重新打开。',
  'engine.too-many': (v) => `一个页面最多可打开 ${v.most} 个文件和等待的任务。请重新加载页面后再试。`,
  'engine.not-open': () => '此文件已不再打开。请重新打开。',
  'engine.open-too-long': (v) => `打开此文件超过 ${v.seconds} 秒，已放弃。`,
  'engine.file-changed': (v) => `${v.name} 在打开之后已更改。请重新打开。`,

  'thread.out-of-memory': () => '计算线程内存不足，已重新启动。请选择更小的张量，或关闭其他程序。',
  'thread.failed': (v) => `计算线程出错，已重新启动：“${v.fault}”`,
  'thread.exited': (v) => `计算线程意外结束，退出代码 ${v.code}，已重新启动。`,
  'thread.died': (v) => `计算线程 ${v.thread} 在工作中结束：“${v.fault}”`,
  'thread.not-started': (v) => `${v.members} 个计算线程中只有 ${v.ready} 个在 ${v.seconds} 秒内启动。`,
  'thread.count': (v) => `线程数为 ${v.threads}：应为 1 到 ${v.most}。`,

  'job.cancelled': () => '任务已取消。',

  'memory.limit': (v) =>
    `这需要 ${mebibytes(v.needed)} MB 工作内存，上限为 ${mebibytes(v.limit)} MB。请选择更低的秩或更小的张量。`,
  'memory.refused': (v) =>
    `这需要 ${mebibytes(v.needed)} MB 工作内存，本机无法提供（“${v.fault}”）。请选择更低的秩，或关闭其他程序。`,
  'memory.exact-too-wide': (v, w) =>
    `${v.name}：宽矩阵的精确 SVD 需要整个矩阵，${w.bytes(v.needed)}；上限为 ${w.bytes(v.limit)}。请选择随机化方法。`,

  'kernel.no-fused': (v) =>
    `内核 ${v.choice} 需要带融合乘加的宽松 SIMD，而此机器或此 JavaScript 引擎没有；请选择自动、“simd”或“reference”。`,
  'kernel.other-bits': () => '内核“revectorized”在此处的结果与“relaxed”不同，因此不用；请选择自动或“relaxed”。',
  'kernel.plain': (v) => `无法使用 WebAssembly（“${v.fault}”）。改用普通内核计算，速度约慢一百倍。`,
  'kernel.unfused': (v) =>
    `此机器上的 ${v.runtime} 的 WebAssembly 不支持融合乘加：改用较慢的普通 SIMD 内核。Node 22 及以上版本支持。`,
  'kernel.narrow': (v) => `此机器上的 ${v.runtime} 不能将向量扩展到 256 位，或扩展后更慢：改用 128 位内核。`,
} satisfies Partial<Translation>
