// A net in plain JavaScript: reads a safetensors file with its architecture and computes the probabilities of one image.

/** Constants of SELU (Klambauer et al., 2017), slope of the leaky ReLU, constant of the norms. */
const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA = 1.6732632423543772;
const LEAK = 0.01;
const EPSILON = 1e-5;
const LEAST_PROBABILITY = 1e-7;
const IMAGE_SIDE = 28;

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

const ACTIVATIONS = {
  relu: (x) => Math.max(x, 0),
  elu: (x) => (x > 0 ? x : Math.expm1(x)),
  tanh: Math.tanh,
  sigmoid,
  selu: (x) => SELU_SCALE * (x > 0 ? x : SELU_ALPHA * Math.expm1(x)),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  softsign: (x) => x / (1 + Math.abs(x)),
  'leaky-relu': (x) => (x > 0 ? x : LEAK * x),
  swish: (x) => x * sigmoid(x),
};

/** Arrays of a safetensors file by name, each with `shape` and `values`, and its architecture. */
export function readNet(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const arrays = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [from, to] = entry.data_offsets.map((offset) => offset + 8 + length);
    // A copy: the values need not begin at a multiple of four bytes.
    arrays[name] = { shape: entry.shape, values: new Float32Array(bytes.slice(from, to).buffer) };
  }
  const { architecture, notes } = JSON.parse(header.__metadata__.digitstack);
  return { arrays, architecture, notes };
}

/** Function from an image, 784 numbers from 0 to 1, to ten probabilities. */
export function createNet({ arrays, architecture }) {
  const activate = ACTIVATIONS[architecture.activation];
  const blocks = blocksOf(arrays, architecture);
  const hidden = [];
  while (arrays[`hidden.${hidden.length}.weight`]) hidden.push(layer(arrays, `hidden.${hidden.length}`));
  const output = layer(arrays, 'output');
  return (pixels) => {
    let x = { values: scaled(pixels, arrays, architecture.input), channels: 1, side: IMAGE_SIDE };
    for (const block of blocks) x = blockOutput(x, block, activate);
    let values = x.values;
    for (const weights of hidden) values = fullyConnected(values, weights).map(activate);
    return probabilities(fullyConnected(values, output), architecture.output ?? 'softmax');
  };
}

function layer(arrays, name) {
  return { weight: arrays[`${name}.weight`], bias: arrays[`${name}.bias`]?.values };
}

function blocksOf(arrays, architecture) {
  const blocks = [];
  const found = (block, index) => arrays[`blocks.${block}.convolutions.${index}.weight`];
  while (found(blocks.length, 0)) {
    const convolutions = [];
    while (found(blocks.length, convolutions.length)) {
      convolutions.push(folded(arrays, `blocks.${blocks.length}.convolutions.${convolutions.length}`));
    }
    blocks.push({ convolutions, again: architecture.extra_activation[blocks.length] ?? false, pool: architecture.pool });
  }
  const last = blocks[blocks.length - 1];
  if (last && architecture.head !== 'flatten') last.pool = architecture.head;
  const padding = architecture.padding === 'same' ? Math.floor(architecture.kernel / 2) : 0;
  for (const block of blocks) block.padding = padding;
  return blocks;
}

/** Weight and bias of a convolution with the norm behind it folded in. */
function folded(arrays, name) {
  const { weight, bias } = layer(arrays, name);
  const [outputs] = weight.shape;
  const mean = arrays[`${name}.norm.running_mean`]?.values;
  const shifts = Float64Array.from({ length: outputs }, (_, channel) => bias?.[channel] ?? 0);
  if (!mean) return { weight, bias: shifts };
  const variance = arrays[`${name}.norm.running_var`].values;
  const [scale, shift] = ['weight', 'bias'].map((kind) => arrays[`${name}.norm.${kind}`]?.values);
  const values = Float64Array.from(weight.values);
  const size = values.length / outputs;
  for (let channel = 0; channel < outputs; channel += 1) {
    const factor = (scale?.[channel] ?? 1) / Math.sqrt(variance[channel] + EPSILON);
    for (let index = channel * size; index < (channel + 1) * size; index += 1) values[index] *= factor;
    shifts[channel] = (shift?.[channel] ?? 0) + (shifts[channel] - mean[channel]) * factor;
  }
  return { weight: { shape: weight.shape, values }, bias: shifts };
}

/** Pixels as the first layer needs them: 0 to 1, −1 to 1, another range, or standardised pixel by pixel. */
function scaled(pixels, arrays, input) {
  const [scale, shift] = ['input.scale', 'input.shift'].map((name) => arrays[name]?.values);
  if (scale) return Float64Array.from(pixels, (pixel, index) => pixel * scale[index] + shift[index]);
  const [low, high] = input?.range ?? (input === 'signed' ? [-1, 1] : [0, 1]);
  return Float64Array.from(pixels, (pixel) => low + pixel * (high - low));
}

function blockOutput(x, { convolutions, padding, pool, again }, activate) {
  for (const { weight, bias } of convolutions) {
    x = convolution(x, weight, bias, padding);
    x.values = x.values.map(activate);
  }
  x = pooled(x, pool);
  if (again) x.values = x.values.map(activate);
  return x;
}

/** Convolution of stride 1 of `channels` maps of `side` × `side`, with a border of `padding` zeros. */
function convolution({ values, channels, side }, { shape, values: weights }, bias, padding) {
  const [outputs, , kernel] = shape;
  const size = side + 2 * padding - kernel + 1;
  const out = new Float64Array(outputs * size * size);
  for (let output = 0; output < outputs; output += 1) {
    const map = out.subarray(output * size * size, (output + 1) * size * size).fill(bias[output]);
    for (let channel = 0; channel < channels; channel += 1) {
      for (let dy = 0; dy < kernel; dy += 1) {
        for (let dx = 0; dx < kernel; dx += 1) {
          const weight = weights[((output * channels + channel) * kernel + dy) * kernel + dx];
          const [left, right] = [Math.max(0, padding - dx), Math.min(size, side + padding - dx)];
          for (let y = Math.max(0, padding - dy); y < Math.min(size, side + padding - dy); y += 1) {
            const from = (channel * side + y + dy - padding) * side + dx - padding;
            for (let column = left; column < right; column += 1) map[y * size + column] += weight * values[from + column];
          }
        }
      }
    }
  }
  return { values: out, channels: outputs, side: size };
}

/** Pool of 2×2 windows, an odd last row or column being dropped, or over the whole map. */
function pooled({ values, channels, side }, pool) {
  const whole = pool.startsWith('global-');
  const window = whole ? side : 2;
  const size = whole ? 1 : Math.floor(side / 2);
  const isMaximum = pool.endsWith('max');
  const out = new Float64Array(channels * size * size);
  for (let index = 0; index < out.length; index += 1) {
    const [channel, y, column] = [Math.floor(index / (size * size)), Math.floor(index / size) % size, index % size];
    let result = isMaximum ? -Infinity : 0;
    for (let dy = 0; dy < window; dy += 1) {
      for (let dx = 0; dx < window; dx += 1) {
        const value = values[(channel * side + y * window + dy) * side + column * window + dx];
        result = isMaximum ? Math.max(result, value) : result + value / (window * window);
      }
    }
    out[index] = result;
  }
  return { values: out, channels, side: size };
}

function fullyConnected(values, { weight, bias }) {
  const [outputs, inputs] = weight.shape;
  return Float64Array.from({ length: outputs }, (_, output) => {
    let sum = bias?.[output] ?? 0;
    for (let input = 0; input < inputs; input += 1) sum += weight.values[output * inputs + input] * values[input];
    return sum;
  });
}

function probabilities(outputs, kind) {
  const largest = Math.max(...outputs);
  const shares = Array.from(outputs, (output) => {
    if (kind === 'softmax') return Math.exp(output - largest);
    return Math.min(Math.max(kind === 'sigmoid' ? sigmoid(output) : output, LEAST_PROBABILITY), 1);
  });
  const sum = shares.reduce((total, share) => total + share, 0);
  return shares.map((share) => share / sum);
}
