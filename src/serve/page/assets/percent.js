// Probabilities in words.

/** Formats a probability in per cent with one decimal; never "100.0" below 1 nor "0.0" above 0. */
export function percent(probability) {
  const rounded = (100 * probability).toFixed(1);
  if (rounded === '100.0' && probability < 1) return '>99.9 %';
  if (rounded === '0.0' && probability > 0) return '<0.1 %';
  return `${rounded} %`;
}
