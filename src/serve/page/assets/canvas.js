// Drawing area: pointers make strokes, strokes are drawn as smooth lines of constant width. The canvas contains only ink
// on a transparent background, because the service takes the ink from the alpha channel; the uploaded picture and the
// keyboard's cursor are separate elements.

import { createHistory } from './history.js';

/**
 * Creates the pad. `changed` is called after each change of its contents, `finished` when the pen is lifted or the whole
 * drawing has been replaced.
 */
export function createPad({ canvas, underlay, brushWidth, changed, finished }) {
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const history = createHistory();
  let current = null;

  function draw() {
    const { picture, strokes } = history.visible();
    underlay.hidden = picture === null;
    if (picture && underlay.src !== picture.url) underlay.src = picture.url;
    context.clearRect(0, 0, canvas.width, canvas.height);
    // The colour of the element follows the light, dark and forced-colour modes.
    context.strokeStyle = context.fillStyle = getComputedStyle(canvas).color;
    strokes.forEach((stroke) => drawStroke(context, stroke));
  }

  function update() {
    draw();
    changed();
  }

  function begin(point) {
    current = { width: brushWidth(), points: [point] };
    history.addStroke(current);
    update();
  }

  function extend(points) {
    if (!current) return;
    current.points.push(...points);
    update();
  }

  function end() {
    if (!current) return;
    current = null;
    finished();
  }

  /** Wraps an action on the whole drawing, which ends the current stroke. */
  function whole(action) {
    return (...given) => {
      current = null;
      action(...given);
      update();
      finished();
    };
  }

  listenToPointers(canvas, { begin, extend, end });
  for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)']) {
    matchMedia(query).addEventListener('change', draw);
  }

  return {
    begin,
    extend,
    end,
    undo: whole(history.undo),
    redo: whole(history.redo),
    clear: whole(history.clear),
    showPicture: whole(history.addPicture),
    showStrokes: whole((strokes) => {
      history.clear();
      strokes.forEach(history.addStroke);
    }),
    canUndo: history.canUndo,
    canRedo: history.canRedo,
    isEmpty: history.isEmpty,
    isDrawing: () => current !== null,
    /** Whether it shows a picture from a file. */
    isPicture: () => history.visible().picture !== null,
    /** The bytes to send: those of the picture, or the strokes as a PNG. */
    image: () => history.visible().picture?.bytes ?? png(canvas),
  };
}

/** Canvas as a PNG, at once: after pen input, `toBlob` waits for the browser to be idle, which takes a second. */
function png(canvas) {
  const encoded = canvas.toDataURL('image/png').split(',')[1];
  return new Blob([Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0))], { type: 'image/png' });
}

/** Draws quadratic curves through the midpoints of neighbouring points, with the points as control points. */
function drawStroke(context, { width, points }) {
  context.lineWidth = width;
  context.lineCap = 'round';
  context.lineJoin = 'round';
  const [first] = points;
  const last = points[points.length - 1];
  // A line of zero length is not drawn, so a click needs a dot; under a longer line it lies within the round cap.
  context.beginPath();
  context.arc(first.x, first.y, width / 2, 0, 2 * Math.PI);
  context.fill();
  context.beginPath();
  context.moveTo(first.x, first.y);
  for (let index = 1; index < points.length - 1; index += 1) {
    const [point, next] = [points[index], points[index + 1]];
    context.quadraticCurveTo(point.x, point.y, (point.x + next.x) / 2, (point.y + next.y) / 2);
  }
  context.lineTo(last.x, last.y);
  context.stroke();
}

/** Mouse, pen and touch. Only one pointer draws: a second finger or a palm is ignored. */
function listenToPointers(canvas, { begin, extend, end }) {
  let drawing = null;

  function position(event) {
    const bounds = canvas.getBoundingClientRect();
    const scale = canvas.width / bounds.width;
    return { x: (event.clientX - bounds.left) * scale, y: (event.clientY - bounds.top) * scale };
  }

  canvas.addEventListener('pointerdown', (event) => {
    if (drawing !== null || event.button !== 0) return;
    drawing = event.pointerId;
    canvas.setPointerCapture(drawing);
    begin(position(event));
  });

  canvas.addEventListener('pointermove', (event) => {
    if (event.pointerId !== drawing) return;
    const moves = event.getCoalescedEvents?.() ?? [];
    extend((moves.length > 0 ? moves : [event]).map(position));
  });

  for (const kind of ['pointerup', 'pointercancel', 'lostpointercapture']) {
    canvas.addEventListener(kind, (event) => {
      if (event.pointerId !== drawing) return;
      drawing = null;
      end();
    });
  }
}
