import type { Words } from '../message.ts'
import type { Foreign } from '../text.ts'

/** The GPU that makes products beside the kernels. */
export const device = {
  'device.caught': (v: { name: Foreign }) =>
    `The GPU (${v.name}) gave a wrong result, which was detected: the CPU computed that matrix again, and all that followed.`,
  'device.gone': (v: { fault: Foreign }) =>
    `The GPU was lost in the middle of the work (${v.fault}): the CPU computed that matrix again, and all that followed.`,
  'device.silent': (v: { seconds: number }) =>
    `The GPU gave no answer for ${v.seconds} s and was given up: the CPU computed that matrix again, and all that followed.`,
  'device.no-room': (v: { rows: number; cols: number }, w: Words) =>
    `The GPU has no room for a matrix of ${w.shape([v.rows, v.cols])}: the CPU computed it.`,
  'device.refused': (v: { fault: Foreign }) =>
    `The GPU refused the work (${v.fault}): the CPU computed that matrix again, and all that followed.`,
  'device.no-package': (v: { version: string }) =>
    `No GPU was used: the package webgpu is not installed. \`npm install webgpu@${v.version}\` beside GhostSVD brings it.`,
  'device.no-adapter': () =>
    'No GPU was used: the system has no driver for one that Vulkan, Metal or Direct3D 12 knows.',
  'device.not-named': (v: { wanted: Foreign; found: readonly Foreign[] }, w: Words) =>
    v.found.length === 0
      ? `No GPU was used: there is none, so none by the name of ${v.wanted}.`
      : `No GPU was used: none has a name with ${v.wanted} in it. There is ${w.list(v.found)}.`,
  'device.failed-test': (v: { name: Foreign; fault: Foreign }) =>
    `No GPU was used: ${v.name} failed its test at the start (${v.fault}).`,
  'device.not-started': (v: { fault: Foreign }) => `No GPU was used: it could not be started (${v.fault}).`,
  'device.late': (v: { seconds: number }) => `No GPU was used: it did not start within ${v.seconds} s.`,
  'device.no-webgpu': () =>
    'No GPU was used: Chromium, which the application runs in, offers none for WebGPU here. `ghostsvd serve` and the command line of the npm package look for one by themselves.',
  'device.next-start': () =>
    'No GPU was used: on Linux the application has to know before it starts that one is wanted. It does now: quit it and open it again.',
  'device.reference': () => 'No GPU was used: the reference kernels compute without one.',
}
