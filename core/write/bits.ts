/** Numbers at full precision and a fixed width, for the header of a file. */

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

const CRC_DIGITS = 8

/** Checksums one after another, eight hexadecimal digits each. */
export function toChecksums(checksums: readonly number[]): string {
  return checksums.map((crc) => crc.toString(16).padStart(CRC_DIGITS, '0')).join('')
}

export function fromChecksums(text: string): number[] {
  return Array.from({ length: Math.floor(text.length / CRC_DIGITS) }, (_, i) =>
    Number.parseInt(text.slice(CRC_DIGITS * i, CRC_DIGITS * (i + 1)), 16),
  )
}
