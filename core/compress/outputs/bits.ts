/** Numbers at full precision and a fixed width, for the header of a part. */

/** A number by its 64 bits in hexadecimal: full precision at a fixed width. */
export function toBits(value: number): string {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  return view.getBigUint64(0).toString(16).padStart(16, '0')
}

export function fromBits(text: string): number {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigUint64(0, BigInt(`0x${text}`))
  return view.getFloat64(0)
}
