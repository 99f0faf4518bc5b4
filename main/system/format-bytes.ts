/** Bytes as people read them: decimal, three digits ("1.60 GB"). */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB']
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)))
  const value = bytes / 1000 ** power
  const text = power === 0 ? String(bytes) : value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)
  return `${text} ${units[power]}`
}
