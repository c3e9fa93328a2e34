/**
 * Cycles of a directed graph.
 *
 * @module
 */

/** What each node points to. */
export type Graph = ReadonlyMap<string, readonly string[]>

/** Finds a cycle through every group of nodes that reach each other, first node repeated at the end. */
export function findCycles(graph: Graph): readonly (readonly string[])[] {
  const done = new Set<string>()
  const cycles: (readonly string[])[] = []

  function visit(node: string, trail: readonly string[]): void {
    const start = trail.indexOf(node)
    if (start >= 0) {
      cycles.push([...trail.slice(start), node])
      return
    }
    if (done.has(node)) return
    for (const next of graph.get(node) ?? []) visit(next, [...trail, node])
    done.add(node)
  }

  for (const node of graph.keys()) visit(node, [])
  return cycles
}
