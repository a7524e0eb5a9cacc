// Table of probabilities: ten digits by models, in the order of the column headings.

const DIGITS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
/** Smallest probability with a bar; a smaller bar would be less than half a pixel wide. */
const MIN_BAR = 0.005;

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

  /** Index of the colour of a model; 0 for a model without a column. */
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
  function set(probability, top) {
    value.textContent = probability === null ? '–' : percent(probability);
    filled.style.width = `${probability >= MIN_BAR ? 100 * probability : 0}%`;
    element.classList.toggle('top', top);
  }
  return { element, set };
}

/** Formats a probability in per cent with two decimals, which align in a column; never "100.00" below 1. */
function percent(probability) {
  if (probability > 0 && probability < 0.00005) return '<0.01';
  if (probability < 1 && probability >= 0.99995) return '>99.99';
  return (100 * probability).toFixed(2);
}
