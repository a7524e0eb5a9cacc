// Result: the digit with its confidence, the numbers, or the reason for a rejection. `stages.js`, `table.js` and
// `numbers.js` show the rest.

import { createBars } from './bars.js';
import { createNumbers, numbersInWords } from './numbers.js';
import { percent } from './percent.js';
import { createStages } from './stages.js';
import { createTable } from './table.js';

export function createResult(page) {
  const element = (id) => page.getElementById(id);
  const table = createTable(element('probabilities'));
  const bars = createBars(element('bars'));
  const stages = createStages(page);
  const numbers = createNumbers({ list: element('numbers'), marks: element('marks') });
  const invitation = element('verdict').textContent;

  function say(view, sentence) {
    element('answer').dataset.view = view;
    // A screen reader repeats text that is set again, so only a change is set.
    if (element('verdict').textContent !== sentence) element('verdict').textContent = sentence;
  }

  function showDigit({ digit, confidence, runner_up: second, runner_up_confidence: its } = {}) {
    element('digit').textContent = digit ?? '';
    element('runner-up').textContent = second ?? '';
    element('confidence').textContent = confidence == null ? '' : percent(confidence);
    element('runner-up-confidence').textContent = its == null ? '' : percent(its);
    element('confidence-bar').style.width = `${100 * (confidence ?? 0)}%`;
  }

  function showNothing(view, sentence) {
    say(view, sentence);
    showDigit();
    table.empty();
    bars.empty();
    stages.hide();
    numbers.hide();
    element('timing').textContent = '';
  }

  return {
    showInvitation: () => showNothing('empty', invitation),
    showFailure: (message) => showNothing('failure', message),
    /** The drawing has changed: boxes over it would be in the wrong places. */
    hideMarks: numbers.hideMarks,
    showNumbers(answer) {
      showNothing('numbers', numbersInWords(answer.numbers));
      numbers.show(answer);
      const reader = `Read by ${answer.model}, in ${milliseconds(answer.milliseconds)}.`;
      element('timing').textContent = `${reader} Reading numbers is experimental: check them.`;
    },
    showAnswer(answer) {
      const refused = Boolean(answer.refusal);
      numbers.hide();
      showDigit(refused ? undefined : answer);
      say(refused ? 'refusal' : 'answer', refused ? rejection(answer.refusal) : sentence(answer));
      element('confidence-bar').parentElement.className = `bar accent-${table.accentOf(answer.model)}`;
      table.show(answer.models, refused);
      bars.show(answer.models.find(({ name }) => name === answer.model)?.probabilities, refused);
      stages.show(answer.stages);
      element('timing').textContent = `${answer.model}, in ${milliseconds(answer.milliseconds)}`;
    },
  };
}

function rejection({ message, advice }) {
  return advice ? `${message} ${advice}` : message;
}

function sentence({ digit, confidence, runner_up: second, runner_up_confidence: its }) {
  const other = second == null || its == null ? '' : `; second guess ${second} (${percent(its)})`;
  return `${digit}, ${percent(confidence)} sure${other}`;
}

function milliseconds(time) {
  return `${time < 10 ? time.toFixed(1) : Math.round(time)} ms`;
}
