import type { NoValues, Words } from '../message.ts'
import type { FileName, Foreign, Quoted } from '../text.ts'

/** The engine, its threads, its memory and its kernels. */
export const engine = {
  'engine.connection-lost': () => 'The connection to the engine was lost.',
  'engine.stopped': () => 'The engine was stopped.',
  'engine.late': (v: { seconds: number }) => `The engine did not start within ${v.seconds} s.`,
  'engine.out-of-memory': () =>
    'The engine ran out of memory and ended. Choose a smaller tensor, or close other programs.',
  'engine.killed': () =>
    'The engine was killed (SIGKILL). The system does this to a program when memory runs out; somebody may also have ended it by hand.',
  'engine.crashed': (v: { signal: Foreign }) => `The engine crashed (${v.signal}).`,
  'engine.ended': (v: { signal: Foreign }) => `The engine was ended from outside (${v.signal}).`,
  'engine.terminated': () => 'The engine was ended from outside, by the Task Manager, the system or another program.',
  'engine.vanished': () =>
    'The engine ended without leaving a reason. It may have crashed or been ended from outside; the system does this to a program when memory runs out.',
  'engine.failed': (v: { fault: Foreign }) => `The engine failed (${v.fault}).`,
  'engine.failed-with-code': (v: { fault: Foreign; code: number }) =>
    `The engine failed (${v.fault}) and ended with exit code ${v.code}.`,
  'engine.exited': (v: { code: number }) => `The engine ended unexpectedly with exit code ${v.code}.`,
  'engine.not-given': () => 'This file was not given to this engine. Open it again.',
  'engine.too-many': (v: { most: number }) =>
    `A page has at most ${v.most} files open and jobs waiting. Reload it, and try again.`,
  'engine.not-open': () => 'This file is not open any more. Open it again.',
  'engine.open-too-long': (v: { seconds: number }) =>
    `The file took longer than ${v.seconds} s to open and was given up.`,
  'engine.file-changed': (v: { name: FileName }) => `${v.name} has changed since it was opened. Open it again.`,

  'thread.out-of-memory': () =>
    'The compute thread ran out of memory and was restarted. Choose a smaller tensor, or close other programs.',
  'thread.failed': (v: { fault: Foreign }) => `The compute thread failed and was restarted: ${v.fault}`,
  'thread.exited': (v: { code: number }) =>
    `The compute thread ended unexpectedly with exit code ${v.code} and was restarted.`,
  'thread.died': (v: { thread: number; fault: Foreign }) =>
    `Compute thread ${v.thread} ended during the work: ${v.fault}`,
  'thread.not-started': (v: { ready: number; members: number; seconds: number }) =>
    `Only ${v.ready} of ${v.members} compute threads started within ${v.seconds} s.`,
  'thread.count': (v: { threads: number; most: number }) => `${v.threads} threads: expected 1 to ${v.most}.`,

  'job.cancelled': () => 'The job was cancelled.',

  'memory.limit': (v: { needed: number; limit: number }) =>
    `This needs ${mebibytes(v.needed)} MB of working memory, and the limit is ${mebibytes(v.limit)} MB. Choose a lower rank or a smaller tensor.`,
  'memory.refused': (v: { needed: number; fault: Foreign }) =>
    `This needs ${mebibytes(v.needed)} MB of working memory, which the machine does not give (${v.fault}). Choose a lower rank or close other programs.`,
  'memory.exact-too-wide': (v: { name: Foreign; needed: number; limit: number }, w: Words) =>
    `${v.name}: the exact SVD of a wide matrix needs it whole, ${w.bytes(v.needed)}; ${w.bytes(v.limit)} is the most. Choose the randomized method.`,

  'kernel.no-fused': (v: { choice: Quoted }) =>
    `The kernel ${v.choice} needs relaxed SIMD with fused multiply-add, which this machine or this JavaScript engine lacks; choose auto, simd or reference.`,
  'kernel.other-bits': (_: NoValues) =>
    'The kernel "revectorized" gives other bits than "relaxed" here and is not used; choose auto or relaxed.',
  'kernel.plain': (v: { fault: Foreign }) =>
    `WebAssembly could not be used (${v.fault}). The plain kernels compute, about a hundred times slower.`,
  'kernel.unfused': (v: { runtime: Foreign }) =>
    `${v.runtime} on this machine has no fused multiply-add for WebAssembly: the plain SIMD kernel computes, which is slower. Node 22 or newer has it.`,
  'kernel.narrow': (v: { runtime: Foreign }) =>
    `${v.runtime} does not widen vectors to 256 bits on this machine, or is slower when it does: the 128-bit kernel computes.`,
}

export function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20)
}
