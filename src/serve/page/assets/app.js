// Connects the parts of the page: sends the drawing to the service and shows the response.

import { createPad } from './canvas.js';
import { listenToKeys } from './keys.js';
import { listenToPictures, readPicture } from './picture.js';
import { createResult } from './result.js';
import { createSamples } from './samples.js';
import { createService } from './service.js';

/** Time between two requests while the pen is down. */
const INTERVAL_MILLISECONDS = 100;

const element = (id) => document.getElementById(id);
const root = document.documentElement;
const brush = element('brush');
const brushWidth = () => Number(brush.value);
const chosenCentre = () => document.querySelector('input[name="centre"]:checked').value;

const service = createService();
const result = createResult(document);
const pad = createPad({ canvas: element('pad'), underlay: element('underlay'), brushWidth, changed, finished });
const samples = createSamples();

/** Timer of the next request; null if none is scheduled. */
let timer = null;
/** Number of changes of the drawing so far, and what it was when the latest request was sent. */
let drawing = 0;
let asked = 0;
/** Time of the latest request, and whether its answer is still to come. */
let askedAt = -Infinity;
let asking = false;
/** Refusal of a drawing whose pen is still down: it is shown when the pen is lifted. */
let withheld = null;
/** Number of changes and of files taken; a file whose number is no longer the latest is discarded. */
let opening = 0;

/** The drawing has changed; more changes may follow. */
function changed() {
  opening += 1;
  drawing += 1;
  result.hideMarks();
  element('undo').disabled = !pad.canUndo();
  element('redo').disabled = !pad.canRedo();
  element('save').disabled = pad.isEmpty();
  if (pad.isEmpty()) reset();
  else schedule();
}

/** The pen is lifted, or the whole drawing has been replaced: no change follows at once. */
function finished() {
  if (pad.isEmpty()) return;
  if (asked !== drawing) recognise();
  else if (withheld) {
    const answer = withheld;
    withheld = null;
    ask(() => settle(answer));
  }
}

/** The drawing is empty: cancels the request and shows the invitation. */
function reset() {
  unschedule();
  service.cancel();
  asking = false;
  withheld = null;
  asked = drawing;
  result.showInvitation();
  root.dataset.state = 'idle';
}

function unschedule() {
  clearTimeout(timer);
  timer = null;
}

/** Sends a request soon, unless one is on its way: its answer schedules the next one. */
function schedule() {
  root.dataset.state = 'asking';
  if (timer !== null || asking) return;
  const since = performance.now() - askedAt;
  // A request at the first touch would be about a dot.
  const wait = since < 1000 ? Math.max(0, INTERVAL_MILLISECONDS - since) : INTERVAL_MILLISECONDS;
  timer = setTimeout(recognise, wait);
}

function recognise() {
  unschedule();
  asked = drawing;
  askedAt = performance.now();
  withheld = null;
  return ask(async () => {
    const answer = await service.predict(pad.image(), chosenCentre());
    if (answer === null) return false;
    if (!answer.refusal || !pad.isDrawing()) return settle(answer);
    withheld = answer;
    return true;
  });
}

/** Makes requests about the drawing. `request` resolves to false once newer ones have been made. */
async function ask(request) {
  root.dataset.state = 'asking';
  const mine = drawing;
  asking = true;
  try {
    if (!(await request())) return;
    asking = false;
    if (mine !== drawing) schedule();
  } catch (error) {
    asking = false;
    fail(error.message);
  }
}

/** Shows an answer: where the picture has several digits, the number that they make. */
async function settle(answer) {
  const mine = drawing;
  if (!mayHaveSeveral(answer)) {
    show(() => result.showAnswer(answer));
    return true;
  }
  const page = await service.read(pad.image());
  if (page === null) return false;
  // The answer to a drawing that has changed since is not shown: the next request is about to be made.
  if (mine !== drawing) return true;
  const numbers = page.numbers.filter(({ digits }) => digits.length > 0);
  show(() => (isNumber(answer, numbers) ? result.showNumbers({ ...page, numbers }) : result.showAnswer(answer)));
  return true;
}

/** Whether a picture is worth reading as a number; a photograph of one may look like a scribble. */
function mayHaveSeveral({ refusal }) {
  return refusal?.reason === 'several-digits' || (refusal?.reason === 'scribble' && pad.isPicture());
}

/** Whether what was read says more than the refusal. */
function isNumber({ refusal }, numbers) {
  if (refusal.reason === 'scribble') return numbers.some((number) => !number.refusal && number.digits.length > 1);
  return numbers.reduce((sum, { digits }) => sum + digits.length, 0) > 1;
}

function show(part) {
  part();
  root.dataset.state = 'answered';
  root.dataset.answers = Number(root.dataset.answers) + 1;
}

function fail(message) {
  result.showFailure(message);
  root.dataset.state = 'failed';
}

/** Shows a picture, unless the drawing has changed while it was opened. */
async function takePicture(file) {
  opening += 1;
  const mine = opening;
  try {
    const picture = await readPicture(file);
    if (mine === opening) pad.showPicture(picture);
    else URL.revokeObjectURL(picture.url);
  } catch (error) {
    if (mine !== opening) return;
    unschedule();
    service.cancel();
    asking = false;
    fail(error.message);
  }
}

/** Offers the drawing, or the picture, as a file. */
function save() {
  const image = pad.image();
  const link = document.createElement('a');
  link.href = URL.createObjectURL(image);
  link.download = `digit.${image.type.split('/')[1]}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function connectControls() {
  const showBrush = () => (element('brush-width').textContent = brush.value);
  brush.addEventListener('input', showBrush);
  // A browser may have restored the position of the slider from an earlier visit.
  showBrush();
  element('undo').addEventListener('click', pad.undo);
  element('redo').addEventListener('click', pad.redo);
  element('clear').addEventListener('click', pad.clear);
  element('recognise').addEventListener('click', recognise);
  element('save').addEventListener('click', save);
  element('sample').addEventListener('click', () => pad.showStrokes(samples.next(brushWidth())));
  for (const choice of document.querySelectorAll('input[name="centre"]')) {
    choice.addEventListener('change', () => pad.isEmpty() || recognise());
  }
  document.querySelectorAll('[data-origin]').forEach((element) => (element.textContent = location.origin));
}

connectControls();
listenToKeys({
  canvas: element('pad'),
  cursor: element('pen'),
  pad,
  brushWidth,
  recognise,
  announce: (words) => (element('pen-state').textContent = words),
});
listenToPictures({ input: element('upload'), target: element('frame'), take: takePicture });
