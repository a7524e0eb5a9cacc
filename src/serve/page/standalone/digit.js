// From ink to the image that a net sees: the same steps, with the same rounding, as in the program that trained it.

const FRAME_SIDE = 28;
/** Longer side of a digit inside the frame, in pixels. */
const LONGEST = 20;
/** Position of the centre of mass in MNIST, along both axes. */
const MASS_CENTRE = 14;
/** Least ink that connects pixels, greatest distance of weaker ink from a piece, least share of the largest piece. */
const SOLID = 128;
const FRINGE = 2;
const SPECK_SHARE = 0.03;

/** Digit of `width` × `height` levels of ink, 0 to 255, as 28 × 28 levels; null without ink. */
export function digitFromInk(levels, width, height) {
  const strongest = levels.reduce((most, level) => Math.max(most, level), 0);
  if (strongest === 0) return null;
  const full = Uint8Array.from(levels, (level) => Math.floor((level * 255) / strongest));
  const ink = withoutSpecks(full, width, height);
  const box = inkBox(ink, width, height);
  if (!box) return null;
  return centred(stretched(intoFrame(cropped(ink, width, box), box.width, box.height, LONGEST, 'bicubic')), 'mass');
}

/** Applies the steps of a recipe as they are written in a file: a name alone stands for a step with its defaults. */
export function prepared(image, recipe) {
  return recipe.reduce((current, step) => STEPS[step.step ?? step](current, step), image);
}

const STEPS = {
  noise: (image, { level = 32 }) => image.map((pixel) => Math.max(pixel - level, 0)),
  stretch: stretched,
  centre: (image, { by = 'mass' }) => centred(image, by),
  'normalise-size': (image, { longest = LONGEST, filter = 'bicubic' }) => {
    const box = inkBox(image, FRAME_SIDE, FRAME_SIDE);
    if (!box) return image;
    return intoFrame(cropped(image, FRAME_SIDE, box), box.width, box.height, longest, filter);
  },
};

/** Smallest rectangle with all pixels above 0; null if there are none. */
function inkBox(levels, width, height) {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let index = 0; index < levels.length; index += 1) {
    if (levels[index] === 0) continue;
    const [column, row] = [index % width, Math.floor(index / width)];
    [left, top] = [Math.min(left, column), Math.min(top, row)];
    [right, bottom] = [Math.max(right, column), Math.max(bottom, row)];
  }
  return right < 0 ? null : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** The part of an image of rows of `width` pixels that lies inside a box. */
function cropped(levels, width, box) {
  const inside = new Uint8Array(box.width * box.height);
  for (let y = 0; y < box.height; y += 1) {
    const from = (box.top + y) * width + box.left;
    inside.set(levels.subarray(from, from + box.width), y * box.width);
  }
  return inside;
}

/** Removes pieces with little ink beside the largest, and weak ink away from those that stay. */
function withoutSpecks(levels, width, height) {
  const piece = new Uint32Array(levels.length);
  const sums = [];
  const around = (index, reach, visit) => {
    const [column, row] = [index % width, Math.floor(index / width)];
    for (let y = Math.max(row - reach, 0); y <= Math.min(row + reach, height - 1); y += 1) {
      for (let x = Math.max(column - reach, 0); x <= Math.min(column + reach, width - 1); x += 1) visit(y * width + x);
    }
  };
  for (let start = 0; start < levels.length; start += 1) {
    if (levels[start] < SOLID || piece[start]) continue;
    const open = [start];
    let sum = 0;
    piece[start] = sums.length + 1;
    while (open.length > 0) {
      const index = open.pop();
      sum += levels[index];
      around(index, 1, (next) => {
        if (levels[next] < SOLID || piece[next]) return;
        piece[next] = sums.length + 1;
        open.push(next);
      });
    }
    sums.push(sum);
  }
  if (sums.length === 0) return levels;
  const least = SPECK_SHARE * Math.max(...sums);
  const stays = (index) => sums[piece[index] - 1] >= least;
  const near = new Uint8Array(levels.length);
  piece.forEach((number, index) => number && stays(index) && around(index, FRINGE, (next) => (near[next] = 1)));
  return levels.map((level, index) => (near[index] && (piece[index] === 0 || stays(index)) ? level : 0));
}

/** Scales an image so that its longer side is `longest`, in the middle of the frame. */
function intoFrame(levels, width, height, longest, filter) {
  const shorter = (short, long) => Math.max(Math.floor((2 * short * longest + long) / (2 * long)), 1);
  const [wide, high] = width >= height ? [longest, shorter(height, width)] : [shorter(width, height), longest];
  const narrowed = resized(levels, width, height, resizeWeights(width, wide, filter));
  const small = transposed(
    resized(transposed(narrowed, wide, height), height, wide, resizeWeights(height, high, filter)),
    high,
    wide,
  );
  const image = new Uint8Array(FRAME_SIDE * FRAME_SIDE);
  const [left, top] = [(FRAME_SIDE - wide) >> 1, (FRAME_SIDE - high) >> 1];
  for (let y = 0; y < high; y += 1) image.set(small.subarray(y * wide, (y + 1) * wide), (top + y) * FRAME_SIDE + left);
  return image;
}

const FILTERS = {
  bilinear: { support: 1, at: (x) => Math.max(1 - Math.abs(x), 0) },
  bicubic: {
    support: 2,
    at: (distance) => {
      const x = Math.abs(distance);
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
    },
  },
};

/** Weights along one axis, as Pillow has them: the filter widens as the image shrinks. */
function resizeWeights(input, output, name) {
  const { support: half, at } = FILTERS[name];
  const scale = input / output;
  const widening = Math.max(scale, 1);
  return Array.from({ length: output }, (_, position) => {
    const middle = (position + 0.5) * scale;
    const start = Math.floor(Math.max(middle - half * widening + 0.5, 0));
    const end = Math.min(Math.floor(middle + half * widening + 0.5), input);
    const weights = Array.from({ length: end - start }, (_, index) => at((start + index - middle + 0.5) / widening));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { start, weights: weights.map((weight) => weight / total) };
  });
}

/** Resizes the rows of an image of `height` rows. */
function resized(levels, width, height, columns) {
  const out = new Uint8Array(height * columns.length);
  for (let y = 0; y < height; y += 1) {
    columns.forEach(({ start, weights }, column) => {
      const sum = weights.reduce((total, weight, index) => total + weight * levels[y * width + start + index], 0);
      out[y * columns.length + column] = Math.min(Math.max(Math.round(sum), 0), 255);
    });
  }
  return out;
}

function transposed(levels, width, height) {
  return Uint8Array.from(levels, (_, index) => levels[(index % height) * width + Math.floor(index / height)]);
}

/** Scales the levels so that the strongest is 255. */
function stretched(image) {
  const strongest = Math.max(...image);
  return strongest === 0 ? image : image.map((pixel) => Math.round((pixel * 255) / strongest));
}

/** Moves the digit by whole pixels so that its box or its centre of mass is in the middle, inside the frame. */
function centred(image, by) {
  const box = inkBox(image, FRAME_SIDE, FRAME_SIDE);
  if (!box) return image;
  let [total, sumX, sumY] = [0, 0, 0];
  image.forEach((pixel, index) => {
    total += pixel;
    sumX += pixel * (index % FRAME_SIDE);
    sumY += pixel * Math.floor(index / FRAME_SIDE);
  });
  const start = (first, length, sum) => {
    if (by === 'box') return (FRAME_SIDE - length) >> 1;
    // Half a pixel is rounded away from zero.
    const shift = MASS_CENTRE - Math.fround(sum / total);
    const wanted = first + Math.sign(shift) * Math.round(Math.abs(shift));
    return Math.min(Math.max(wanted, 0), FRAME_SIDE - length);
  };
  const [left, top] = [start(box.left, box.width, sumX), start(box.top, box.height, sumY)];
  const out = new Uint8Array(image.length);
  for (let y = 0; y < box.height; y += 1) {
    const from = (box.top + y) * FRAME_SIDE + box.left;
    out.set(image.subarray(from, from + box.width), (top + y) * FRAME_SIDE + left);
  }
  return out;
}
