// The pictures of what becomes of a drawing, beside the answer and once more in the article's list of steps.

/** What each step of the article shows, by its place in the list. */
const STEPS = ['ink', 'ink', 'cropped', 'image', 'prepared'];
/** The place in that list of the step that finds the box. */
const BOX_STEP = 1;

/** Pictures with a side up to this show their pixels as squares. */
const COARSE_SIDE = 64;

export function createStages(page) {
  const strip = page.getElementById('stages');
  const hint = page.getElementById('steps-hint');
  const steps = [...page.querySelectorAll('#steps .frame')];
  steps.forEach((frame, place) => (frame.querySelector('img').dataset.stage = STEPS[place] ?? 'none'));
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
  // The frame is square; the wrapper takes the picture's shape, so that the box lies on the picture.
  const wrapper = picture.closest('.boxed');
  if (wrapper) fitInSquare(wrapper, stage);
}

function fitInSquare(wrapper, { width, height }) {
  wrapper.style.aspectRatio = `${width} / ${height}`;
  wrapper.style.width = `${100 * Math.min(1, width / height)}%`;
}

function placeBox(box, { ink, box: place }) {
  box.hidden = !place || !ink;
  if (box.hidden) return;
  box.style.left = `${(100 * place.left) / ink.width}%`;
  box.style.top = `${(100 * place.top) / ink.height}%`;
  box.style.width = `${(100 * place.width) / ink.width}%`;
  box.style.height = `${(100 * place.height) / ink.height}%`;
}
