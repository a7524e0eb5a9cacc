// Joins the parts of the page: what is drawn is asked about, and what is answered is shown.

import { createPad } from './canvas.js';
import { listenToKeys } from './keys.js';
import { listenToPictures, readPicture } from './picture.js';
import { createResult } from './result.js';
import { createService } from './service.js';

/** How long nothing must move before the service is asked. */
const PAUSE_MILLISECONDS = 120;

const element = (id) => document.getElementById(id);
const root = document.documentElement;
const brush = element('brush');
const brushWidth = () => Number(brush.value);
const chosenCentre = () => document.querySelector('input[name="centre"]:checked').value;

const service = createService();
const result = createResult(document);
const pad = createPad({ canvas: element('pad'), underlay: element('underlay'), brushWidth, changed });

/** What will ask once nothing moves; null when nobody waits. */
let timer = null;
let opening = 0;

function changed() {
  opening += 1;
  element('undo').disabled = !pad.canUndo();
  element('redo').disabled = !pad.canRedo();
  if (pad.isEmpty()) rest();
  else askSoon();
}

/** Nothing to read: whatever was asked no longer matters. */
function rest() {
  stopWaiting();
  service.forget();
  result.showInvitation();
  root.dataset.state = 'idle';
}

function stopWaiting() {
  clearTimeout(timer);
  timer = null;
}

function askSoon() {
  stopWaiting();
  timer = setTimeout(recognise, PAUSE_MILLISECONDS);
  root.dataset.state = 'asking';
}

async function recognise() {
  stopWaiting();
  root.dataset.state = 'asking';
  try {
    const answer = await service.ask(pad.image(), chosenCentre());
    if (answer === null) return;
    result.showAnswer(answer);
    // The drawing may have gone on meanwhile; then this is not yet the answer to it.
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

/** A picture that takes long to open gives way to whatever was done meanwhile. */
async function takePicture(file) {
  opening += 1;
  const mine = opening;
  try {
    const picture = await readPicture(file);
    if (mine === opening) pad.showPicture(picture);
    else URL.revokeObjectURL(picture.url);
  } catch (error) {
    if (mine !== opening) return;
    stopWaiting();
    service.forget();
    fail(error.message);
  }
}

function connectControls() {
  const showBrush = () => (element('brush-width').textContent = brush.value);
  brush.addEventListener('input', showBrush);
  // A browser may have kept the slider's place from an earlier visit.
  showBrush();
  element('undo').addEventListener('click', pad.undo);
  element('redo').addEventListener('click', pad.redo);
  element('clear').addEventListener('click', pad.clear);
  element('recognise').addEventListener('click', recognise);
  for (const choice of document.querySelectorAll('input[name="centre"]')) {
    choice.addEventListener('change', () => pad.isEmpty() || recognise());
  }
  document.querySelectorAll('[data-origin]').forEach((place) => (place.textContent = location.origin));
}

connectControls();
listenToKeys({
  canvas: element('pad'),
  cursor: element('pen'),
  pad,
  brushWidth,
  recognise,
  say: (words) => (element('pen-state').textContent = words),
});
listenToPictures({ input: element('upload'), target: element('frame'), take: takePicture });
