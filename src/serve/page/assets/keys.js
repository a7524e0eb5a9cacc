// Drawing by keyboard: the arrow keys move a pen, the space bar puts it down and lifts it.

const STEP = 4;
const LONG_STEP = 16;

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function listenToKeys({ canvas, cursor, pad, brushWidth, recognise, announce }) {
  const position = { x: canvas.width / 2, y: canvas.height / 2 };
  let down = false;

  function showPen() {
    cursor.hidden = false;
    cursor.classList.toggle('down', down);
    cursor.style.left = `${(100 * position.x) / canvas.width}%`;
    cursor.style.top = `${(100 * position.y) / canvas.height}%`;
    cursor.style.width = `${(100 * brushWidth()) / canvas.width}%`;
    cursor.style.aspectRatio = '1';
  }

  function hidePen() {
    lift();
    cursor.hidden = true;
  }

  function lift() {
    if (down) pad.end();
    down = false;
  }

  function move([dx, dy], step) {
    position.x = Math.min(canvas.width, Math.max(0, position.x + dx * step));
    position.y = Math.min(canvas.height, Math.max(0, position.y + dy * step));
    if (down) pad.extend([{ ...position }]);
    showPen();
  }

  function putDownOrLift() {
    if (down) {
      lift();
    } else {
      pad.begin({ ...position });
      down = true;
    }
    announce(down ? 'Pen down.' : 'Pen lifted.');
    showPen();
  }

  function clear() {
    lift();
    pad.clear();
    if (!cursor.hidden) showPen();
  }

  const actions = { ' ': putDownOrLift, Enter: recognise, Delete: clear, Backspace: clear, Escape: clear };

  canvas.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    const action = actions[event.key];
    if (!arrow && !action) return;
    event.preventDefault();
    if (arrow) move(arrow, event.shiftKey ? LONG_STEP : STEP);
    else if (!event.repeat) action();
  });

  // Undo and redo work wherever the focus is: no field of the page contains text.
  document.addEventListener('keydown', (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase();
    const back = key === 'z' && !event.shiftKey;
    const forth = key === 'y' || (key === 'z' && event.shiftKey);
    if (!back && !forth) return;
    event.preventDefault();
    lift();
    if (back) pad.undo();
    else pad.redo();
    if (!cursor.hidden) showPen();
  });

  canvas.addEventListener('pointerdown', hidePen, { capture: true });
  canvas.addEventListener('blur', hidePen);
}
