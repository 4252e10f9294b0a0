/** What a select said before somebody began to move in it by keys. */
const before = new WeakMap<HTMLSelectElement, string>();
const MOVES = /^(Arrow(Up|Down|Left|Right)|Home|End|Page(Up|Down)|.)$/;

/**
 * Listeners of a select whose choice does something at once. A list that is not open changes with each press of an
 * arrow: by keys the choice is made with Enter, or by leaving the field.
 */
export function settled(choose: (value: string) => void) {
  const done = (field: HTMLSelectElement): boolean => {
    const was = before.get(field);
    if (was === undefined) return false;
    before.delete(field);
    if (field.value !== was) choose(field.value);
    return true;
  };
  return {
    keydown: (event: KeyboardEvent) => {
      const field = event.currentTarget as HTMLSelectElement;
      if (event.key === "Enter" && done(field)) event.preventDefault();
      const opens = event.altKey || event.ctrlKey || event.metaKey || event.key === " ";
      if (MOVES.test(event.key) && !opens && !before.has(field)) before.set(field, field.value);
    },
    change: (event: Event) => {
      const field = event.currentTarget as HTMLSelectElement;
      if (!before.has(field)) choose(field.value);
    },
    blur: (event: Event) => void done(event.currentTarget as HTMLSelectElement),
  };
}
