/** A short piece of a line, as it is drawn. */
import { lookOf, type Role } from '../../../core/report/series.ts'

export const strokeOf = (role: Role) => `var(--${lookOf(role).color})`

export function Swatch({ role }: { readonly role: Role }) {
  const { dash, width } = lookOf(role)
  return (
    <svg aria-hidden="true" className="swatch" height="8" width="26">
      <line
        stroke={strokeOf(role)}
        strokeLinecap={dash ? 'round' : 'butt'}
        strokeWidth={width}
        x1="1"
        x2="25"
        y1="4"
        y2="4"
        {...(dash ? { strokeDasharray: dash } : {})}
      />
    </svg>
  )
}
