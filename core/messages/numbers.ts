/** Numbers as people read them, in the language of the page. Sizes are decimal: 1 MB = 1e6 bytes. */

const cache = new Map<string, Intl.NumberFormat>()

function format(language: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = language + JSON.stringify(options)
  let known = cache.get(key)
  if (!known) {
    known = new Intl.NumberFormat(language, options)
    cache.set(key, known)
  }
  return known
}

/** Of durations, by language; the international ones where a language has none here. */
const clock = { h: 'h', min: 'min', s: 's', ms: 'ms' } as const
const clocks: Readonly<Record<string, Readonly<Record<keyof typeof clock, string>>>> = {
  'zh-CN': { h: '小时', min: '分', s: '秒', ms: '毫秒' },
}

export interface Numbers {
  /** 12,345 */
  count(value: number): string
  /** 1.6 GB */
  bytes(value: number): string
  /** 0.1243 -> "12.43 %": two decimals from 10 % on, three digits below, powers of ten below 0.001 %. */
  percent(share: number): string
  /** A measured error, as far as it means anything: "≤ 0.00038 %" where it is no more than its resolution, and no digit beyond that. 0 is exact. */
  error(share: number, resolution: number): string
  /** The same where there is no room for how much: "≈ 0 %" where it is no more than its resolution. */
  shortError(share: number, resolution: number): string
  /** As short as it goes, for an axis: "40 %", "0.5 %". */
  tickPercent(share: number): string
  /** "+0.91 %" */
  signedPercent(share: number): string
  /** By how much something grows: "5.00 %", and "> 900 %" beyond tenfold, where the number says no more than that; null: without limit. */
  increase(share: number | null): string
  /** 35 ms, 1.24 s, 3 min 20 s */
  duration(milliseconds: number): string
  /** What is left, in whole seconds: 35 s, 3 min 20 s */
  countdown(milliseconds: number): string
  /** Nov 23, 2026, 9:12 AM; of milliseconds since 1970. */
  moment(time: number): string
  /** One decimal: 12.8 */
  factor(value: number): string
  /** Two decimals: 0.90 */
  ratio(value: number): string
  /** With all of so many digits: 0.0860 */
  digits(value: number, digits: number): string
  /** Four significant digits, powers of ten where they are shorter. */
  value(value: number): string
  /** As it is: a limit that was rounded would be another. */
  limit(value: number): string
}

/** @param space between a number and its unit */
export function numbersIn(language: string, space = '\u00a0'): Numbers {
  const fixed = (value: number, digits: number) =>
    format(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value)
  const significant = (value: number, digits: number) =>
    format(language, { minimumSignificantDigits: digits, maximumSignificantDigits: digits }).format(value)
  const units = clocks[language] ?? clock
  const count = (value: number) => format(language, { maximumFractionDigits: 0 }).format(value)

  const percent = (share: number): string => {
    const value = share * 100
    const size = Math.abs(value)
    if (size === 0) return `0${space}%`
    if (size < 0.001) return `${value.toExponential(1)}${space}%`
    return `${size >= 10 ? fixed(value, 2) : significant(value, 3)}${space}%`
  }

  const minutesAnd = (seconds: number) => {
    const minutes = Math.floor(seconds / 60)
    if (minutes < 60) return `${minutes}${space}${units.min} ${seconds % 60}${space}${units.s}`
    return `${count(Math.floor(minutes / 60))}${space}${units.h} ${minutes % 60}${space}${units.min}`
  }

  return {
    count,
    percent,
    error: (share, resolution) => {
      if (share === 0) return percent(share)
      if (share <= resolution) return `≤${space}${significant(resolution * 100, 2)}${space}%`
      const digits = Math.floor(Math.log10(share / resolution)) + 1
      return digits >= 3 || share < 1e-5 ? percent(share) : `${significant(share * 100, digits)}${space}%`
    },
    shortError: (share, resolution) => (share > 0 && share <= resolution ? `≈${space}0${space}%` : percent(share)),
    tickPercent: (share) => {
      const value = share * 100
      if (value !== 0 && Math.abs(value) < 0.001) return `${value.toExponential(0)}${space}%`
      return `${format(language, { maximumSignificantDigits: 3 }).format(value)}${space}%`
    },
    increase: (share) => (share === null || share > 9 ? `>${space}900${space}%` : percent(share)),
    signedPercent: (share) => `${share < 0 ? '' : '+'}${percent(share)}`,
    bytes: (value) => {
      const size = Math.abs(value)
      const unit = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const
      const step = size < 1000 ? 0 : Math.min(unit.length - 1, Math.floor(Math.log10(size) / 3))
      // 999,999 bytes are 1.00 MB, not 1000 kB.
      const scaled = value / 1000 ** step
      const [shown, name] =
        step > 0 && step < 5 && Math.abs(scaled) >= 999.5 ? [scaled / 1000, step + 1] : [scaled, step]
      return `${name === 0 ? count(shown) : significant(shown, 3)}${space}${unit[name]}`
    },
    duration: (milliseconds) => {
      if (milliseconds < 999.5)
        return `${milliseconds < 10 ? significant(milliseconds, 2) : count(milliseconds)}${space}${units.ms}`
      const seconds = milliseconds / 1000
      if (seconds < 59.95) return `${significant(seconds, 3)}${space}${units.s}`
      return minutesAnd(Math.round(seconds))
    },
    countdown: (milliseconds) => {
      // What is still to come is never nothing.
      const seconds = Math.max(1, Math.ceil(milliseconds / 1000))
      return seconds < 60 ? `${count(seconds)}${space}${units.s}` : minutesAnd(seconds)
    },
    moment: (time) => new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(time),
    factor: (value) => fixed(value, 1),
    ratio: (value) => fixed(value, 2),
    digits: significant,
    limit: (value) => format(language, { maximumFractionDigits: 10 }).format(value),
    value: (value) => {
      const size = Math.abs(value)
      if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(3)
      return format(language, { maximumSignificantDigits: 4 }).format(value)
    },
  }
}
