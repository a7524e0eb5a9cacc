// Digits to try: drawn strokes, in pixels of the pad.

/** Points on an ellipse; angles are fractions of a turn, clockwise from the right. */
function arc([x, y], [wide, high], from, to) {
  const steps = Math.ceil(Math.abs(to - from) * 24);
  return Array.from({ length: steps + 1 }, (_, step) => {
    const angle = 2 * Math.PI * (from + ((to - from) * step) / steps);
    return { x: x + wide * Math.cos(angle), y: y + high * Math.sin(angle) };
  });
}

const corners = (...points) => points.map(([x, y]) => ({ x, y }));

/** Strokes of each sample. */
const SAMPLES = [
  [[...arc([130, 98], [48, 42], -0.4, 0.23), ...arc([132, 184], [54, 46], -0.23, 0.4)]],
  [corners([84, 62], [150, 62], [198, 62], [160, 146], [124, 230])],
  [[...arc([138, 105], [48, 48], -0.45, 0.09), ...corners([88, 222], [140, 222], [202, 222])]],
  [corners([172, 62], [166, 232]), corners([112, 58], [84, 150], [140, 148], [208, 146])],
  [arc([140, 140], [55, 82], -0.25, 0.77)],
];

export function createSamples() {
  let index = -1;
  return {
    /** Strokes of the next sample, with a brush of this width. */
    next(width) {
      index = (index + 1) % SAMPLES.length;
      return SAMPLES[index].map((points) => ({ width, points }));
    },
  };
}
