// Numbers of a picture with several digits: a list beside it, and a box around each digit over it.

import { percent } from './percent.js';

/** Space above a box that its label needs, as a share of the frame. */
const LABEL = 0.08;

export function createNumbers({ list, marks }) {
  function hide() {
    list.replaceChildren();
    hideMarks();
  }

  function hideMarks() {
    marks.replaceChildren();
  }

  function show({ width, height, numbers }) {
    list.classList.toggle('many', numbers.length > 1);
    list.replaceChildren(...numbers.map(item));
    const place = placed(width, height);
    marks.replaceChildren(...numbers.flatMap(boxes).map(place));
  }

  return { show, hide, hideMarks };
}

/** What is said of the numbers, in a sentence. */
export function numbersInWords(numbers) {
  if (numbers.length > 1) return `Several digits, read as ${numbers.length} numbers:`;
  const [{ text, confidence, refusal }] = numbers;
  const but = refusal ? `but ${refusal.message}` : `${percent(confidence)} sure`;
  return `Several digits, read as the number ${text}: ${but}.`;
}

function item({ text, confidence, refusal }) {
  const [item, digits, note] = ['li', 'b', 'span'].map((kind) => document.createElement(kind));
  digits.textContent = text;
  note.textContent = refusal ? refusal.message : `${percent(confidence)} sure`;
  item.append(digits, ' ', note);
  return item;
}

/** Boxes of a number: those of its digits, and of ink that was passed over. */
function boxes({ digits, unread }) {
  const ofDigit = ({ digit, box, refusal }) => {
    const refused = Boolean(refusal);
    return { box, label: refused ? '?' : String(digit), refused };
  };
  return [...digits.map(ofDigit), ...unread.map((box) => ({ box, label: '', refused: true }))];
}

/** Places boxes over a picture that fills the longer side of a square frame. */
function placed(width, height) {
  const side = Math.max(width, height);
  const share = (length) => `${(100 * length) / side}%`;
  return ({ box, label, refused }) => {
    const [mark, name] = ['li', 'span'].map((kind) => document.createElement(kind));
    const [left, top] = [box.left + (side - width) / 2, box.top + (side - height) / 2];
    mark.style.left = share(left);
    mark.style.top = share(top);
    mark.style.width = share(box.width);
    mark.style.height = share(box.height);
    mark.classList.toggle('refused', refused);
    mark.classList.toggle('below', top / side < LABEL);
    name.textContent = label;
    name.hidden = label === '';
    mark.append(name);
    return mark;
  };
}
