/**
 * What a driver that waits for its device, and the relay thread that hears it, have in common: Int32 cells, and a text.
 *
 *   Int32 x 4      cells named below
 *   UTF-8 x 1024   what went wrong, ended by 0
 */

export const cell = {
  /** Number of the last operation that was answered. The driver sleeps on it. */
  done: 0,
  /** How it ended: `outcome`. */
  outcome: 1,
  /** Raised with every sign of life. */
  beats: 2,
  /** 1: the device is gone, and will answer nothing. */
  dead: 3,
} as const

export const outcome = { done: 0, refused: 1, noRoom: 2 } as const

const CELLS_BYTES = 16
const TEXT_BYTES = 1024

export interface RelayControl {
  readonly buffer: SharedArrayBuffer
  readonly cells: Int32Array
}

export function newRelayControl(): SharedArrayBuffer {
  return new SharedArrayBuffer(CELLS_BYTES + TEXT_BYTES)
}

export function relayControlOf(buffer: SharedArrayBuffer): RelayControl {
  return { buffer, cells: new Int32Array(buffer, 0, CELLS_BYTES / 4) }
}

export function writeText({ buffer }: RelayControl, text: string): void {
  const bytes = new Uint8Array(buffer, CELLS_BYTES, TEXT_BYTES)
  bytes.fill(0)
  bytes.set(new TextEncoder().encode(text).subarray(0, TEXT_BYTES - 1))
}

export function readText({ buffer }: RelayControl): string {
  const bytes = new Uint8Array(buffer, CELLS_BYTES, TEXT_BYTES).slice()
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)))
}

/** The device answers nothing from now on: the driver, if it waits, hears why. What was said first stays. */
export function markDead(control: RelayControl, fault: string): void {
  const { cells } = control
  if (Atomics.load(cells, cell.dead) !== 0) return
  writeText(control, fault)
  Atomics.store(cells, cell.dead, 1)
  Atomics.notify(cells, cell.done)
}
