/**
 * One choice for each item, the least total cost within a budget: the multiple-choice knapsack (Sinha and Zoltners, Operations Research 27, 1979).
 * Ranks under a size goal are that, with bytes as the resource and squared error as the cost, and under an error goal the other way round.
 *
 * What is searched does not depend on the budget: all ways to stop along the lower convex hulls, steepest steps first, and those again with any one item
 * at any of its choices. A larger budget can only add to them, so it never ends in a larger cost. Of up to `fewItems` items the optimum itself
 * is found, by branch and bound over the hulls' lower bound (which is tight to a step): there a single large item decides.
 */

export interface Choice {
  readonly resource: number
  readonly cost: number
}

const fewItems = 8
/** Bounds looked at before the best found so far is taken for the optimum: about a second. */
const mostBounds = 8e6

/** For each item the index of its choice; null where not even the cheapest ones fit. Items without choices are not allowed. */
export function leastCost(items: readonly (readonly Choice[])[], budget: number): number[] | null {
  const fronts = items.map(frontOf)
  const least = fronts.reduce((sum, front) => sum + front[0]!.resource, 0)
  if (!(least <= budget)) return null
  const along = alongHulls(fronts, budget)
  const positions = items.length <= fewItems ? branchAndBound(fronts, budget, along) : along
  return positions.map((position, i) => fronts[i]![position]!.index)
}

/** A choice that is not dominated, with its place among those of its item. */
interface Point extends Choice {
  readonly index: number
}

/** By ascending resource and strictly falling cost. */
function frontOf(choices: readonly Choice[]): Point[] {
  const sorted = choices.map(({ resource, cost }, index) => ({ resource, cost, index }))
  sorted.sort((a, b) => a.resource - b.resource || a.cost - b.cost || a.index - b.index)
  const front: Point[] = []
  for (const point of sorted) if (front.length === 0 || point.cost < front.at(-1)!.cost) front.push(point)
  return front
}

/** Positions on the front that are corners of its lower convex hull. */
function hullOf(front: readonly Point[]): number[] {
  const hull: number[] = []
  for (let i = 0; i < front.length; i++) {
    while (
      hull.length >= 2 &&
      gain(front[hull.at(-2)!]!, front[hull.at(-1)!]!) <= gain(front[hull.at(-2)!]!, front[i]!)
    )
      hull.pop()
    hull.push(i)
  }
  return hull
}

/** Cost saved for each unit of the resource. */
function gain(from: Choice, to: Choice): number {
  return (from.cost - to.cost) / (to.resource - from.resource)
}

interface Step {
  readonly item: number
  /** Position on the item's front it leads to, from the one before. */
  readonly to: number
  readonly gain: number
}

/** Every front walked point by point, in the order of the hull edges the points lie under: steepest first, ties in the items' order. */
function stepsOf(fronts: readonly (readonly Point[])[]): Step[] {
  const steps = fronts.flatMap((front, item) => {
    const hull = hullOf(front)
    return hull.slice(1).flatMap((corner, edge) => {
      const from = hull[edge]!
      const each = gain(front[from]!, front[corner]!)
      return Array.from({ length: corner - from }, (_, i) => ({ item, to: from + 1 + i, gain: each }))
    })
  })
  return steps.sort((a, b) => b.gain - a.gain || a.item - b.item || a.to - b.to)
}

/** The cheapest stop within the budget: along all steps, or with one item held at any point of its front. */
function alongHulls(fronts: readonly (readonly Point[])[], budget: number): number[] {
  const steps = stepsOf(fronts)
  const own: number[][] = fronts.map(() => [])
  for (const [k, { item }] of steps.entries()) own[item]!.push(k)
  const used = new Float64Array(steps.length + 1)
  const paid = new Float64Array(steps.length + 1)
  for (const front of fronts) {
    used[0]! += front[0]!.resource
    paid[0]! += front[0]!.cost
  }
  for (const [k, { item, to }] of steps.entries()) {
    const [before, after] = [fronts[item]![to - 1]!, fronts[item]![to]!]
    used[k + 1] = used[k]! + (after.resource - before.resource)
    paid[k + 1] = paid[k]! + (after.cost - before.cost)
  }
  /** Position of an item after the first k steps. */
  const positionOf = (item: number, k: number) => countBelow(own[item]!, k)
  const lastWithin = (room: number, without: number | null) => {
    let [low, high] = [0, steps.length]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      const others = without === null ? 0 : fronts[without]![positionOf(without, middle)]!.resource
      if (used[middle]! - others <= room) low = middle
      else high = middle - 1
    }
    return low
  }
  let best = { cost: Number.POSITIVE_INFINITY, k: 0, held: null as { item: number; at: number } | null }
  const plain = lastWithin(budget, null)
  best = { cost: paid[plain]!, k: plain, held: null }
  for (const [item, front] of fronts.entries()) {
    const least = used[0]! - front[0]!.resource
    for (const [at, point] of front.entries()) {
      const room = budget - point.resource
      if (least > room) break
      const k = lastWithin(room, item)
      const cost = paid[k]! - front[positionOf(item, k)]!.cost + point.cost
      if (cost < best.cost) best = { cost, k, held: { item, at } }
    }
  }
  const { k, held } = best
  return withinBudget(
    fronts,
    budget,
    fronts.map((_, item) => (held?.item === item ? held.at : positionOf(item, k))),
  )
}

/** The running sums above may be off in their last digits: what is handed out is within the budget as its own terms add up. */
function withinBudget(fronts: readonly (readonly Point[])[], budget: number, positions: number[]): number[] {
  for (let item = 0; total(fronts, positions) > budget && item < positions.length; item++)
    if (positions[item]! > 0) positions[item]!--
  return positions
}

function total(fronts: readonly (readonly Point[])[], positions: readonly number[]): number {
  return positions.reduce((sum, position, i) => sum + fronts[i]![position]!.resource, 0)
}

/** How many of the ascending numbers are below `limit`. */
function countBelow(ascending: readonly number[], limit: number): number {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (ascending[middle]! < limit) low = middle + 1
    else high = middle
  }
  return low
}

/** The optimum, from a good first answer; ties go to the first found. */
function branchAndBound(fronts: readonly (readonly Point[])[], budget: number, first: readonly number[]): number[] {
  // Large items first: what they leave decides the most.
  const order = fronts.map((_, i) => i)
  const range = (i: number) => fronts[i]!.at(-1)!.resource - fronts[i]![0]!.resource
  order.sort((a, b) => range(b) - range(a) || a - b)
  const bounds = order.map((_, depth) => relaxed(order.slice(depth).map((i) => fronts[i]!)))
  bounds.push(() => 0)
  const least = order.map((_, depth) => order.slice(depth).reduce((sum, i) => sum + fronts[i]![0]!.resource, 0))
  let best = first.reduce((sum, position, i) => sum + fronts[i]![position]!.cost, 0)
  let found = [...first]
  const chosen = [...first]
  let looked = 0
  const descend = (depth: number, room: number, cost: number): void => {
    const item = order[depth]!
    const front = fronts[item]!
    if (depth === order.length - 1) {
      let at = front.length - 1
      while (front[at]!.resource > room) at--
      if (cost + front[at]!.cost < best) {
        best = cost + front[at]!.cost
        chosen[item] = at
        found = [...chosen]
      }
      return
    }
    const open: { at: number; bound: number }[] = []
    for (let at = 0; at < front.length; at++) {
      const left = room - front[at]!.resource
      if (left < least[depth + 1]!) break
      const bound = cost + front[at]!.cost + bounds[depth + 1]!(left)
      if (bound < best) open.push({ at, bound })
    }
    looked += front.length
    open.sort((a, b) => a.bound - b.bound || a.at - b.at)
    for (const { at, bound } of open) {
      if (bound >= best || looked > mostBounds) return
      chosen[item] = at
      descend(depth + 1, room - front[at]!.resource, cost + front[at]!.cost)
    }
  }
  descend(0, budget, 0)
  return found
}

/** The least cost of these items for any budget, if their hulls could be stopped at anywhere: never above the true one. */
function relaxed(fronts: readonly (readonly Point[])[]): (room: number) => number {
  const edges = fronts.flatMap((front) => {
    const hull = hullOf(front)
    return hull.slice(1).map((corner, i) => ({
      resource: front[corner]!.resource - front[hull[i]!]!.resource,
      cost: front[hull[i]!]!.cost - front[corner]!.cost,
    }))
  })
  edges.sort((a, b) => b.cost * a.resource - a.cost * b.resource)
  const used = [fronts.reduce((sum, front) => sum + front[0]!.resource, 0)]
  const paid = [fronts.reduce((sum, front) => sum + front[0]!.cost, 0)]
  for (const { resource, cost } of edges) {
    used.push(used.at(-1)! + resource)
    paid.push(paid.at(-1)! - cost)
  }
  // Rounding of the sums must never hide the optimum.
  const slack = 1e-12 * paid[0]!
  return (room) => {
    const k = Math.max(0, countBelow(used, room) - 1)
    const edge = edges[k]
    if (!edge) return paid[k]! - slack
    return paid[k]! - Math.min(edge.cost, (edge.cost * (room - used[k]!)) / edge.resource) - slack
  }
}
