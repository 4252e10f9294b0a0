/**
 * What a live topic's frames do to what the page knows. Pure: the equation `snapshot + deltas == fresh
 * snapshot` and "an event is applied once" are tested here, without a socket.
 */

export type Section = Readonly<Record<string, unknown>>;
export type Sections = Readonly<Record<string, Section>>;

export interface TopicState {
  readonly seq: number;
  readonly sections: Sections;
}

export interface SnapshotFrame {
  topic: string;
  seq: number;
  snapshot: Sections;
}

export interface DeltaFrame {
  topic: string;
  seq: number;
  delta: { set?: Sections; del?: Readonly<Record<string, readonly string[]>> };
}

export type TopicFrame = SnapshotFrame | DeltaFrame;

/** `gap`: something was missed (or nothing is known yet): ask for a fresh snapshot. */
export type Step = { kind: "state"; state: TopicState } | { kind: "repeat" } | { kind: "gap" };

/** Apply one frame. A delta that was applied before changes nothing; one from the future is a gap. */
export function step(before: TopicState | null, frame: TopicFrame): Step {
  if ("snapshot" in frame) {
    return { kind: "state", state: { seq: frame.seq, sections: frame.snapshot } };
  }
  if (before === null || frame.seq > before.seq + 1) return { kind: "gap" };
  if (frame.seq <= before.seq) return { kind: "repeat" };
  return { kind: "state", state: { seq: frame.seq, sections: changed(before.sections, frame.delta) } };
}

function changed(sections: Sections, delta: DeltaFrame["delta"]): Sections {
  const next: Record<string, Section> = { ...sections };
  for (const [name, objects] of Object.entries(delta.set ?? {})) {
    next[name] = { ...next[name], ...objects };
  }
  for (const [name, keys] of Object.entries(delta.del ?? {})) {
    const gone = new Set(keys);
    next[name] = Object.fromEntries(Object.entries(next[name] ?? {}).filter(([key]) => !gone.has(key)));
  }
  return next;
}

/** The object `key` of `section`, or undefined. The caller names its shape: `types.ts` mirrors the server's. */
export function look<T>(state: TopicState | null | undefined, section: string, key: string): T | undefined {
  return state?.sections[section]?.[key] as T | undefined;
}

/** All objects of `section`, in the server's order. */
export function all<T>(state: TopicState | null | undefined, section: string): [string, T][] {
  return Object.entries(state?.sections[section] ?? {}) as [string, T][];
}
