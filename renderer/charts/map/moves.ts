/** Where a key leads in the map. Only matrices are places: a layer that lacks the role is entered at the nearest one it has. */
import type { TensorReport } from '../../../core/contract.ts'
import type { MapLayer } from '../../../core/model-map.ts'

export interface MapPlace {
  readonly layer: number
  readonly role: number
}

interface Key {
  readonly key: string
  readonly ctrlKey: boolean
  readonly metaKey: boolean
}

/** null for a key that leads nowhere. `page`: layers in view. */
export function placeAfter(
  { key, ctrlKey, metaKey }: Key,
  layers: readonly MapLayer<TensorReport>[],
  from: MapPlace,
  page: number,
): MapPlace | null {
  const to = (layer: number, role = from.role) => {
    const row = Math.max(0, Math.min(layers.length - 1, layer))
    return { layer: row, role: nearest(rolesOf(layers[row]), role) }
  }
  const roles = rolesOf(layers[from.layer])
  const first = ctrlKey || metaKey ? 0 : from.layer
  const last = ctrlKey || metaKey ? layers.length - 1 : from.layer
  switch (key) {
    case 'ArrowUp':
      return to(from.layer - 1)
    case 'ArrowDown':
      return to(from.layer + 1)
    case 'ArrowLeft':
      return to(from.layer, roles.findLast((role) => role < from.role) ?? from.role)
    case 'ArrowRight':
      return to(from.layer, roles.find((role) => role > from.role) ?? from.role)
    case 'PageUp':
      return to(from.layer - page)
    case 'PageDown':
      return to(from.layer + page)
    case 'Home':
      return to(first, 0)
    case 'End':
      return to(last, Number.POSITIVE_INFINITY)
    default:
      return null
  }
}

/** Where a tensor is; null for what has no place. */
export function placeOf(layers: readonly MapLayer<TensorReport>[], name: string | null): MapPlace | null {
  for (const [layer, { tensors }] of layers.entries()) {
    for (const [role, tensor] of tensors) if (tensor.name === name) return { layer, role }
  }
  return null
}

const rolesOf = (layer: MapLayer<TensorReport> | undefined) => [...(layer?.tensors.keys() ?? [])].sort((a, b) => a - b)

function nearest(roles: readonly number[], wanted: number): number {
  let best = roles[0] ?? 0
  for (const role of roles) if (Math.abs(role - wanted) < Math.abs(best - wanted)) best = role
  return wanted === Number.POSITIVE_INFINITY ? (roles.at(-1) ?? 0) : best
}
