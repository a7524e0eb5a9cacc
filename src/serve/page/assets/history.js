// Contents of the pad as a list of actions. A stroke replaces a picture, a picture replaces strokes, and clearing
// removes both. Undo removes the last action, redo restores it.

export function createHistory() {
  let done = [];
  let undone = [];

  function add(action) {
    done.push(action);
    undone.filter((lost) => lost.kind === 'picture').forEach((lost) => URL.revokeObjectURL(lost.picture.url));
    undone = [];
  }

  /** The visible picture (or null) and the visible strokes. */
  function visible() {
    const start = done.findLastIndex((action) => action.kind !== 'stroke') + 1;
    const before = done[start - 1];
    const strokes = done.slice(start).map((action) => action.stroke);
    const picture = before?.kind === 'picture' && strokes.length === 0 ? before.picture : null;
    return { picture, strokes };
  }

  function isEmpty() {
    const { picture, strokes } = visible();
    return picture === null && strokes.length === 0;
  }

  return {
    addStroke: (stroke) => add({ kind: 'stroke', stroke }),
    addPicture: (picture) => add({ kind: 'picture', picture }),
    clear: () => isEmpty() || add({ kind: 'clear' }),
    undo: () => done.length > 0 && undone.push(done.pop()),
    redo: () => undone.length > 0 && done.push(undone.pop()),
    canUndo: () => done.length > 0,
    canRedo: () => undone.length > 0,
    visible,
    isEmpty,
  };
}
