// The table of probabilities: ten digits by the models that the page knows, in the order of its column headings.

const DIGITS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
/** Shares below this have no bar: it would be a speck less than half a pixel wide. */
const FAINTEST = 0.005;

export function createTable(table) {
  const headings = [...table.querySelectorAll('thead th[data-model]')];
  const columns = new Map();
  table.style.setProperty('--models', headings.length);

  for (const digit of DIGITS) {
    const row = table.tBodies[0].insertRow();
    row.append(rowHeading(digit));
    for (const { dataset } of headings) {
      const cell = createCell(dataset.accent);
      row.append(cell.element);
      columns.set(dataset.model, [...(columns.get(dataset.model) ?? []), cell]);
    }
  }

  function empty() {
    table.classList.remove('dimmed');
    columns.forEach((cells) => cells.forEach((cell) => cell.set(null, false)));
  }

  function show(models, dimmed) {
    empty();
    table.classList.toggle('dimmed', dimmed);
    for (const { name, probabilities } of models) {
      const highest = Math.max(...probabilities);
      columns.get(name)?.forEach((cell, digit) => cell.set(probabilities[digit], probabilities[digit] === highest));
    }
  }

  /** The number of a model's colour; the first for a model without a column. */
  function accentOf(model) {
    return headings.find((heading) => heading.dataset.model === model)?.dataset.accent ?? 0;
  }

  empty();
  return { empty, show, accentOf };
}

function rowHeading(digit) {
  const heading = document.createElement('th');
  heading.scope = 'row';
  heading.className = 'name';
  heading.textContent = digit;
  return heading;
}

function createCell(accent) {
  const element = document.createElement('td');
  const [value, bar, filled] = ['span', 'div', 'span'].map((kind) => document.createElement(kind));
  value.className = 'value';
  bar.className = `bar accent-${accent}`;
  bar.append(filled);
  element.append(value, bar);
  function set(share, top) {
    value.textContent = share === null ? '–' : percent(share);
    filled.style.width = `${share >= FAINTEST ? 100 * share : 0}%`;
    element.classList.toggle('top', top);
  }
  return { element, set };
}

/** Two decimals, so that the points of a column are below each other; never "100.00" for less than certainty. */
function percent(share) {
  if (share > 0 && share < 0.00005) return '<0.01';
  if (share < 1 && share >= 0.99995) return '>99.99';
  return (100 * share).toFixed(2);
}
