// Cycles in a graph of dependencies: strongly connected components by Tarjan's algorithm, and the shortest cycle in one.

/** ww: overwrote; wr: read what was written; rw: overwrote what was read; realtime: had ended before the other began. */
export type EdgeKind = 'ww' | 'wr' | 'rw' | 'realtime';

export interface Edge {
  readonly from: number;
  readonly to: number;
  readonly kind: EdgeKind;
}

export class Graph {
  readonly #edges = new Map<number, Edge[]>();

  constructor(edges: Iterable<Edge>) {
    for (const edge of edges) {
      const known = this.#edges.get(edge.from);
      if (known === undefined) this.#edges.set(edge.from, [edge]);
      else known.push(edge);
    }
  }

  get edges(): Edge[] {
    return [...this.#edges.values()].flat();
  }

  from(node: number): readonly Edge[] {
    return this.#edges.get(node) ?? [];
  }

  only(kinds: readonly EdgeKind[]): Graph {
    return new Graph(this.edges.filter(({ kind }) => kinds.includes(kind)));
  }

  /** Components of more than one node. */
  components(): Set<number>[] {
    return new Tarjan(this, this.#edges.keys()).components;
  }

  /** The shortest way from one node to another, inside of `within`; undefined where there is none. */
  path(from: number, to: number, within: ReadonlySet<number>): Edge[] | undefined {
    const cameBy = new Map<number, Edge>();
    const queue = [from];
    for (const node of queue) {
      for (const edge of this.from(node)) {
        if (!within.has(edge.to) || cameBy.has(edge.to)) continue;
        cameBy.set(edge.to, edge);
        if (edge.to === to) return backwards(cameBy, from, to);
        queue.push(edge.to);
      }
    }
    return undefined;
  }
}

function backwards(cameBy: ReadonlyMap<number, Edge>, from: number, to: number): Edge[] {
  const path: Edge[] = [];
  let node = to;
  do {
    const edge = cameBy.get(node);
    if (edge === undefined) break;
    path.unshift(edge);
    node = edge.from;
  } while (node !== from);
  return path;
}

interface Visit {
  readonly node: number;
  nextEdge: number;
}

/** Without recursion: a history may be a single chain of any length. */
class Tarjan {
  readonly components: Set<number>[] = [];
  readonly #graph: Graph;
  readonly #indexes = new Map<number, number>();
  readonly #lows = new Map<number, number>();
  readonly #stack: number[] = [];
  readonly #onStack = new Set<number>();

  constructor(graph: Graph, nodes: Iterable<number>) {
    this.#graph = graph;
    for (const node of nodes) if (!this.#indexes.has(node)) this.#visit(node);
  }

  #visit(root: number): void {
    const visits: Visit[] = [this.#enter(root)];
    for (let visit = visits.at(-1); visit !== undefined; visit = visits.at(-1)) {
      const edge = this.#graph.from(visit.node)[visit.nextEdge++];
      if (edge === undefined) {
        visits.pop();
        this.#leave(visit.node, visits.at(-1)?.node);
      } else if (!this.#indexes.has(edge.to)) {
        visits.push(this.#enter(edge.to));
      } else if (this.#onStack.has(edge.to)) {
        this.#lower(visit.node, this.#indexes.get(edge.to) ?? 0);
      }
    }
  }

  #enter(node: number): Visit {
    const index = this.#indexes.size;
    this.#indexes.set(node, index);
    this.#lows.set(node, index);
    this.#stack.push(node);
    this.#onStack.add(node);
    return { node, nextEdge: 0 };
  }

  #lower(node: number, low: number): void {
    this.#lows.set(node, Math.min(this.#lows.get(node) ?? low, low));
  }

  #leave(node: number, parent: number | undefined): void {
    const low = this.#lows.get(node) ?? 0;
    if (parent !== undefined) this.#lower(parent, low);
    if (low !== this.#indexes.get(node)) return;
    const component = new Set(this.#stack.splice(this.#stack.lastIndexOf(node)));
    for (const member of component) this.#onStack.delete(member);
    if (component.size > 1) this.components.push(component);
  }
}
