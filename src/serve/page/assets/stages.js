// Intermediate images of a prediction, beside the result and in the list of preprocessing steps.

/** Stage shown by each preprocessing step, by index. */
const STEPS = ['ink', 'ink', 'cropped', 'image', 'prepared'];
/** Index of the step that finds the bounding box. */
const BOX_STEP = 1;

/** Largest side of a picture whose pixels are shown as squares. */
const COARSE_SIDE = 64;

export function createStages(page) {
  const strip = page.getElementById('stages');
  const hint = page.getElementById('steps-hint');
  const steps = [...page.querySelectorAll('#steps .frame')];
  steps.forEach((frame, index) => (frame.querySelector('img').dataset.stage = STEPS[index] ?? 'none'));
  steps[BOX_STEP]?.querySelector('.boxed').append(createBox());
  const pictures = [...page.querySelectorAll('img[data-stage]')];
  const boxes = [...page.querySelectorAll('[data-box]')];

  function hide() {
    strip.hidden = true;
    hint.hidden = false;
    steps.forEach((frame) => (frame.hidden = true));
    pictures.forEach((picture) => picture.removeAttribute('src'));
  }

  function show(stages) {
    if (!stages) return hide();
    strip.hidden = false;
    hint.hidden = true;
    pictures.forEach((picture) => showPicture(picture, stages[picture.dataset.stage]));
    boxes.forEach((box) => placeBox(box, stages));
  }

  return { show, hide };
}

function createBox() {
  const box = document.createElement('div');
  box.className = 'box';
  box.dataset.box = '';
  return box;
}

function showPicture(picture, stage) {
  (picture.closest('figure') ?? picture.closest('.frame')).hidden = !stage;
  if (!stage) return picture.removeAttribute('src');
  picture.src = stage.png;
  picture.width = stage.width;
  picture.height = stage.height;
  picture.classList.toggle('coarse', Math.max(stage.width, stage.height) <= COARSE_SIDE);
  // The frame is square; the wrapper has the aspect ratio of the picture, so that the box lies on the picture.
  const wrapper = picture.closest('.boxed');
  if (wrapper) fitInSquare(wrapper, stage);
}

function fitInSquare(wrapper, { width, height }) {
  wrapper.style.aspectRatio = `${width} / ${height}`;
  wrapper.style.width = `${100 * Math.min(1, width / height)}%`;
}

function placeBox(box, { ink, box: area }) {
  box.hidden = !area || !ink;
  if (box.hidden) return;
  box.style.left = `${(100 * area.left) / ink.width}%`;
  box.style.top = `${(100 * area.top) / ink.height}%`;
  box.style.width = `${(100 * area.width) / ink.width}%`;
  box.style.height = `${(100 * area.height) / ink.height}%`;
}
