// Connects the drawing area with the net that this file contains.

const byId = (id) => document.getElementById(id);
const digitBars = createBars(byId('bars'));
const invitation = byId('verdict').textContent;

const encoded = byId('model').textContent.trim();
const model = readNet(Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0)));
const recipe = JSON.parse(model.notes.preparation ?? '[]');
const classify = createNet(model);

/** Probabilities of a digit of 28 × 28 levels, 0 to 255, before the recipe. */
function read(image) {
  return classify(Array.from(prepared(image, recipe), (level) => level / 255));
}

// For programs that drive this page.
globalThis.digitstack = { digitFromInk, read };

const drawingPad = createPad({ canvas: byId('pad'), underlay: byId('underlay'), brushWidth, changed, finished: () => {} });
const sampleDigits = createSamples();
/** Whether an answer to the drawing is scheduled for the next frame. */
let isScheduled = false;

function brushWidth() {
  return Number(byId('brush').value);
}

function changed() {
  byId('undo').disabled = !drawingPad.canUndo();
  byId('redo').disabled = !drawingPad.canRedo();
  if (isScheduled) return;
  isScheduled = true;
  requestAnimationFrame(() => {
    isScheduled = false;
    answer();
  });
}

function answer() {
  const { width, height } = byId('pad');
  const levels = byId('pad').getContext('2d').getImageData(0, 0, width, height).data;
  const ink = Uint8Array.from({ length: width * height }, (_, index) => levels[4 * index + 3]);
  const image = digitFromInk(ink, width, height);
  byId('answer').dataset.view = image ? 'answer' : 'empty';
  byId('seen').hidden = !image;
  if (!image) {
    byId('verdict').textContent = invitation;
    byId('digit').textContent = '';
    digitBars.empty();
    return;
  }
  const shares = read(image);
  const [first, second] = shares.map((share, digit) => ({ share, digit })).sort((a, b) => b.share - a.share);
  byId('digit').textContent = first.digit;
  byId('confidence').textContent = percent(first.share);
  byId('confidence-bar').style.width = `${100 * first.share}%`;
  byId('runner-up').textContent = second.digit;
  byId('runner-up-confidence').textContent = percent(second.share);
  byId('verdict').textContent = `${first.digit}, ${percent(first.share)}; second guess ${second.digit}`;
  digitBars.show(shares, false);
  show(prepared(image, recipe));
}

/** Draws the 28 × 28 levels, ink on paper. */
function show(image) {
  const context = byId('seen-image').getContext('2d');
  const pixels = context.createImageData(28, 28);
  image.forEach((level, index) => pixels.data.set([255 - level, 255 - level, 255 - level, 255], 4 * index));
  context.putImageData(pixels, 0, 0);
}

byId('undo').addEventListener('click', drawingPad.undo);
byId('redo').addEventListener('click', drawingPad.redo);
byId('clear').addEventListener('click', drawingPad.clear);
byId('sample').addEventListener('click', () => drawingPad.showStrokes(sampleDigits.next(brushWidth())));
byId('brush').addEventListener('input', () => (byId('brush-width').textContent = byId('brush').value));
document.documentElement.dataset.state = 'ready';
