// Ten bars beside the digit: the probability of each digit by the model that answers.

export function createBars(list) {
  const bars = Array.from({ length: 10 }, (_, digit) => {
    const [item, bar, filled, name] = ['li', 'span', 'span', 'b'].map((kind) => document.createElement(kind));
    bar.className = 'column';
    bar.append(filled);
    name.textContent = digit;
    item.append(bar, name);
    list.append(item);
    return { item, filled };
  });

  function show(probabilities, dimmed) {
    list.classList.toggle('dimmed', Boolean(dimmed));
    const highest = Math.max(...(probabilities ?? [0]));
    bars.forEach(({ item, filled }, digit) => {
      const probability = probabilities?.[digit] ?? 0;
      filled.style.height = `${100 * probability}%`;
      item.classList.toggle('top', probability > 0 && probability === highest);
    });
  }

  return { show, empty: () => show(null, false) };
}
