// Connects the parts of the page: sends the drawing to the service and shows the response.

import { createPad } from './canvas.js';
import { listenToKeys } from './keys.js';
import { listenToPictures, readPicture } from './picture.js';
import { createResult } from './result.js';
import { createService } from './service.js';

/** Time without changes after which a request is sent. */
const PAUSE_MILLISECONDS = 120;

const element = (id) => document.getElementById(id);
const root = document.documentElement;
const brush = element('brush');
const brushWidth = () => Number(brush.value);
const chosenCentre = () => document.querySelector('input[name="centre"]:checked').value;

const service = createService();
const result = createResult(document);
const pad = createPad({ canvas: element('pad'), underlay: element('underlay'), brushWidth, changed });

/** Timer of the next request; null if none is scheduled. */
let timer = null;
/** Number of changes and of files taken; a file whose number is no longer the latest is discarded. */
let opening = 0;

function changed() {
  opening += 1;
  element('undo').disabled = !pad.canUndo();
  element('redo').disabled = !pad.canRedo();
  if (pad.isEmpty()) reset();
  else schedule();
}

/** The drawing is empty: cancels the request and shows the invitation. */
function reset() {
  unschedule();
  service.cancel();
  result.showInvitation();
  root.dataset.state = 'idle';
}

function unschedule() {
  clearTimeout(timer);
  timer = null;
}

function schedule() {
  unschedule();
  timer = setTimeout(recognise, PAUSE_MILLISECONDS);
  root.dataset.state = 'asking';
}

async function recognise() {
  unschedule();
  root.dataset.state = 'asking';
  try {
    const answer = await service.predict(pad.image(), chosenCentre());
    if (answer === null) return;
    result.showAnswer(answer);
    // If the drawing has changed meanwhile, a newer request is scheduled.
    root.dataset.state = timer === null ? 'answered' : 'asking';
    root.dataset.answers = Number(root.dataset.answers) + 1;
  } catch (error) {
    fail(error.message);
  }
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
    fail(error.message);
  }
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
