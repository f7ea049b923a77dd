import type { MeshTool } from '../mesh-tool.ts'

/**
 * A function that offers the capability `from` is unavailable without a provider of the capability `to`. `tool` and `at` are
 * the positions of the function and of its dependency.
 */
type RequiredEdge = { readonly from: string; readonly to: string; readonly tool: number; readonly at: number }

type Tools = readonly MeshTool[] | undefined

export type RequiredDependencies = ReturnType<typeof createRequiredDependencies>

/** The required dependencies between capabilities: of all agents together, by name. */
export function createRequiredDependencies() {
  /** By capability: what it requires, with the number of dependencies that say so. */
  const requirements = new Map<string, Map<string, number>>()
  /** By capability: the number of dependencies that require it. */
  const requirers = new Map<string, number>()

  /** Replaces the tools of one agent. */
  function replace(before: Tools, now: Tools): void {
    if (before === now) return
    for (const { from, to } of edgesOf(before)) count(from, to, -1)
    for (const { from, to } of edgesOf(now)) count(from, to, 1)
  }

  function count(from: string, to: string, by: 1 | -1): void {
    const targets = requirements.get(from) ?? new Map<string, number>()
    add(targets, to, by)
    if (targets.size > 0) requirements.set(from, targets)
    else requirements.delete(from)
    add(requirers, to, by)
  }

  /**
   * A cycle that an agent would close by registering `now` in place of `before`, with the dependency that is part of it.
   *
   * Only what the capabilities of the agent lead to is searched, and only where another function requires one of them.
   */
  function cycleBy(before: Tools, now: Tools): { path: readonly string[]; field: string } | undefined {
    const added = edgesOf(now)
    if (added.length === 0) return undefined
    const removed = new Map<string, Map<string, number>>()
    const remainingRequirers = new Map<string, number>()
    for (const { from, to } of edgesOf(before)) {
      const targets = removed.get(from) ?? new Map<string, number>()
      removed.set(from, targets)
      add(targets, to, 1)
      add(remainingRequirers, to, -1)
    }
    for (const { to } of added) add(remainingRequirers, to, 1)
    const starts = new Set(added.map(({ from }) => from))
    const isRequired = (name: string) => (requirers.get(name) ?? 0) + (remainingRequirers.get(name) ?? 0) > 0
    if (!starts.values().some(isRequired)) return undefined
    const own = Map.groupBy(added, ({ from }) => from)

    function targetsOf(from: string): string[] {
      const others = requirements.get(from)?.entries() ?? []
      const remaining = [...others].filter(([to, n]) => n > (removed.get(from)?.get(to) ?? 0)).map(([to]) => to)
      return [...(own.get(from)?.map(({ to }) => to) ?? []), ...remaining]
    }

    return findCycle(starts, targetsOf, (path) => {
      const edge = added.find(({ from, to }) => path.some((name, at) => name === from && path[at + 1] === to))
      return edge && { path, field: `tools[${edge.tool}].dependencies[${edge.at}]` }
    })
  }

  return { replace, cycleBy }
}

/** Searches in depth from `starts`; returns what `accept` makes of the first cycle that it accepts. */
function findCycle<T>(
  starts: Iterable<string>,
  targetsOf: (name: string) => readonly string[],
  accept: (path: readonly string[]) => T | undefined,
): T | undefined {
  const visited = new Set<string>()
  for (const start of starts) {
    if (visited.has(start)) continue
    // A stack of its own: a chain of dependencies may be longer than the call stack is deep.
    const path = [{ name: start, targets: targetsOf(start).values() }]
    const onPath = new Set([start])
    visited.add(start)
    for (let last = path.at(-1); last; last = path.at(-1)) {
      const { value: target } = last.targets.next()
      if (target === undefined) {
        onPath.delete(last.name)
        path.pop()
      } else if (onPath.has(target)) {
        const names = path.map(({ name }) => name)
        const found = accept([...names.slice(names.indexOf(target)), target])
        if (found !== undefined) return found
      } else if (!visited.has(target)) {
        visited.add(target)
        onPath.add(target)
        path.push({ name: target, targets: targetsOf(target).values() })
      }
    }
  }
  return undefined
}

function edgesOf(tools: Tools = []): RequiredEdge[] {
  return tools.flatMap(({ capability, dependencies }, tool) =>
    capability === ''
      ? []
      : dependencies.flatMap(({ capability: to, required }, at) =>
          required ? [{ from: capability, to, tool, at }] : [],
        ),
  )
}

function add(counts: Map<string, number>, key: string, by: number): void {
  const total = (counts.get(key) ?? 0) + by
  if (total === 0) counts.delete(key)
  else counts.set(key, total)
}

/** A cycle as an error names it; of a long one both ends. */
export function cycleText(path: readonly string[]): string {
  const shown = path.length <= 20 ? path : [...path.slice(0, 10), `${path.length - 20} more`, ...path.slice(-10)]
  return shown.join(' → ')
}
