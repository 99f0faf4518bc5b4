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

/** How far a search goes. */
export interface Effort {
  /** Share of the cost that is not worth searching for: what is found may cost so much more than the best there is. */
  readonly slack: number
  /** Bounds looked at before the best found so far is taken for the optimum. */
  readonly mostBounds: number
}
/** To the optimum: about a second at worst. */
const whole: Effort = { slack: 0, mostBounds: 8e6 }

/** The same items at any budget: what does not depend on it is worked out once. */
interface CostSearch {
  /** Of the cheapest choices: no budget below it can be kept. */
  readonly least: number
  /** For each item the index of its choice; null where not even the cheapest ones fit. */
  within(budget: number): number[] | null
}

/** For each item the index of its choice; null where not even the cheapest ones fit. Items without choices are not allowed. */
export function leastCost(items: readonly (readonly Choice[])[], budget: number): number[] | null {
  return costSearch(items).within(budget)
}

/** Cost: a sort of all choices and of the steps between them; then a budget a pass over the items, or over all choices where that can pay. */
export function costSearch(items: readonly (readonly Choice[])[], effort: Effort = whole): CostSearch {
  const fronts = items.map(frontOf)
  const least = fronts.reduce((sum, front) => sum + front[0]!.resource, 0)
  const walk = walkOf(fronts)
  const bound = effort.slack > 0 ? relaxed(fronts) : () => Number.NEGATIVE_INFINITY
  const branch = items.length > 0 && items.length <= fewItems ? branchAndBound(fronts, effort) : null
  return {
    least,
    within: (budget) => {
      if (!(least <= budget)) return null
      const stop = alongHulls(walk, budget, bound(budget) * (1 + effort.slack))
      const positions = branch ? branch(budget, stop) : stop
      return positions.map((position, i) => fronts[i]![position]!.index)
    },
  }
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

/** Points of one item's front that lie under one edge of its hull, after the edge's first. */
interface Edge {
  readonly item: number
  /** Positions on the front. */
  readonly from: number
  readonly to: number
  readonly gain: number
}

/** The order in which all fronts are walked point by point: the steepest edges of the hulls first, ties in the items' order. */
function edgesOf(fronts: readonly (readonly Point[])[]): Edge[] {
  const edges: Edge[] = []
  for (const [item, front] of fronts.entries()) {
    const hull = hullOf(front)
    for (let i = 1; i < hull.length; i++) {
      const [from, to] = [hull[i - 1]!, hull[i]!]
      edges.push({ item, from, to, gain: gain(front[from]!, front[to]!) })
    }
  }
  return edges.sort((a, b) => b.gain - a.gain || a.item - b.item || a.to - b.to)
}

/** All fronts walked together. */
interface Walk {
  readonly fronts: readonly (readonly Point[])[]
  /** For each item which of the steps are its own, ascending. */
  readonly own: readonly (readonly number[])[]
  /** Resource used and cost left after the first k steps. */
  readonly used: Float64Array
  readonly paid: Float64Array
}

function walkOf(fronts: readonly (readonly Point[])[]): Walk {
  const own: number[][] = fronts.map(() => [])
  const steps = fronts.reduce((sum, front) => sum + front.length - 1, 0)
  const used = new Float64Array(steps + 1)
  const paid = new Float64Array(steps + 1)
  for (const front of fronts) {
    used[0]! += front[0]!.resource
    paid[0]! += front[0]!.cost
  }
  let k = 0
  for (const { item, from, to } of edgesOf(fronts)) {
    const front = fronts[item]!
    for (let at = from + 1; at <= to; at++, k++) {
      const [before, after] = [front[at - 1]!, front[at]!]
      own[item]!.push(k)
      used[k + 1] = used[k]! + (after.resource - before.resource)
      paid[k + 1] = paid[k]! + (after.cost - before.cost)
    }
  }
  return { fronts, own, used, paid }
}

/** The cheapest stop within the budget: along all steps, or with one item held at any point of its front, unless
 * the first costs `enough` or less. Cost: two halvings a point. */
function alongHulls({ fronts, own, used, paid }: Walk, budget: number, enough: number): number[] {
  const steps = used.length - 1
  const plain = lastOf(0, steps, (k) => used[k]! <= budget)
  let best = { cost: paid[plain]!, k: plain, held: null as { item: number; at: number } | null }
  for (const [item, front] of fronts.entries()) {
    if (best.cost <= enough) break
    const mine = own[item]!
    const least = used[0]! - front[0]!.resource
    for (const [at, point] of front.entries()) {
      const room = budget - point.resource
      if (least > room) break
      // What the others use grows with every step but the item's own: first between which of those the room ends, then after which step.
      const from = (taken: number) => (taken === 0 ? 0 : mine[taken - 1]! + 1)
      const othersUse = (k: number, taken: number) => used[k]! - front[taken]!.resource
      const taken = lastOf(0, mine.length, (some) => othersUse(from(some), some) <= room)
      const k = lastOf(from(taken), mine[taken] ?? steps, (some) => othersUse(some, taken) <= room)
      const cost = paid[k]! - front[taken]!.cost + point.cost
      if (cost < best.cost) best = { cost, k, held: { item, at } }
    }
  }
  const { k, held } = best
  return withinBudget(
    fronts,
    budget,
    fronts.map((_, item) => (held?.item === item ? held.at : countBelow(own[item]!, k))),
  )
}

/** The last of low..high for which it holds: for `low` it does, and after the first for which it does not it does for none. */
function lastOf(low: number, high: number, holds: (k: number) => boolean): number {
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (holds(middle)) low = middle
    else high = middle - 1
  }
  return low
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
function branchAndBound(
  fronts: readonly (readonly Point[])[],
  { slack, mostBounds }: Effort,
): (budget: number, first: readonly number[]) => number[] {
  // Large items first: what they leave decides the most.
  const order = fronts.map((_, i) => i)
  const range = (i: number) => fronts[i]!.at(-1)!.resource - fronts[i]![0]!.resource
  order.sort((a, b) => range(b) - range(a) || a - b)
  const bounds = order.map((_, depth) => relaxed(order.slice(depth).map((i) => fronts[i]!)))
  bounds.push(() => 0)
  const least = order.map((_, depth) => order.slice(depth).reduce((sum, i) => sum + fronts[i]![0]!.resource, 0))
  return (budget, first) => {
    let best = first.reduce((sum, position, i) => sum + fronts[i]![position]!.cost, 0)
    let found = [...first]
    const chosen = [...first]
    let looked = 0
    const worthwhile = (bound: number) => bound * (1 + slack) < best
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
        if (worthwhile(bound)) open.push({ at, bound })
      }
      looked += front.length
      open.sort((a, b) => a.bound - b.bound || a.at - b.at)
      for (const { at, bound } of open) {
        if (!worthwhile(bound) || looked > mostBounds) return
        chosen[item] = at
        descend(depth + 1, room - front[at]!.resource, cost + front[at]!.cost)
      }
    }
    descend(0, budget, 0)
    return found
  }
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
