// The neuron: seeding, weighted sums, sigmoid and gradient descent, to the bits of the compiled backend. It draws nothing.

/* Design
 *
 * (a) Math.exp is not used. Browsers may compute it as they like, and in about a tenth of all cases it differs from another
 *     exponential in the last place. Training feeds each result into the next step, so such differences would grow until the
 *     printed digits differ. The exponential here is the compiled backend's (src_ext/kernels/sigmoid.h): additions and
 *     multiplications only, which IEEE 754 and JavaScript both fix to the last bit.
 * (b) An order of addition is part of a result. Each sum here is added as the compiled backend adds it: a small problem in its
 *     packed loop (training.h), a larger one by blocks of rows (linear_loss.h, dense_rows.h, tiles.h); `outputs` as predict.h.
 * (c) Steps are recomputed and not stored. Keyframes, the coefficients after every so many steps, bound the work of a step back;
 *     the first of them is the start, so rewinding returns to its very bits.
 * (d) Coefficients are n_outputs × width, each output's together and its bias last, as in the library. */

const TWO_TO_600 = 4.149515568880993e180;
const LIMIT = 1e150;  // a step that would take a weight beyond it is not made
const MOST_ROWS = 8192, MOST_NUMBERS = 65536;  // one chunk of the library, whose order of addition is the one below
const KEYFRAMES = 256;

// 2^(600 + k) for k = 0, -1, …, -1076, by halving, which is exact.
const POWERS = new Float64Array(1077);
POWERS[0] = TWO_TO_600;
for (let i = 1; i < POWERS.length; i++) POWERS[i] = POWERS[i - 1] / 2;

// 2^600 · e^x for x <= 0.
function scaledExp(x) {
  const shifter = 6755399441055744;
  x = x < -746 ? -746 : x;
  const k = (x * 1.4426950408889634 + shifter) - shifter;
  const r = (x - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10;
  const r2 = r * r, r4 = r2 * r2, r6 = r4 * r2;
  const q01 = 0.5000000000000001 + r * 0.16666666666666669;
  const q23 = 0.04166666666662399 + r * 0.008333333333330051;
  const q45 = 0.0013888888917281794 + r * 0.00019841269863105968;
  const q67 = 2.480152119021773e-05 + r * 2.7557268378684192e-06;
  const q89 = 2.7620138719733994e-07 + r * 2.5100424157005067e-08;
  const minusOne = ((r + r2 * q01) + r4 * q23) + r6 * ((q45 + q67 * r2) + r4 * q89);
  return (1 + minusOne) * POWERS[0 - k];
}

function sigmoid(x) {
  const e = scaledExp(-Math.abs(x));
  return (x >= 0 ? TWO_TO_600 : e) / (TWO_TO_600 + e);
}

// NumPy's legacy stream after numpy.random.seed(seed): returns a function that gives its numbers in [0, 1), one a call.
function legacyRandom(seed) {
  const state = new Uint32Array(624);
  state[0] = seed;
  for (let i = 1; i < 624; i++) {
    const last = state[i - 1] ^ (state[i - 1] >>> 30);
    state[i] = Math.imul(1812433253, last) + i;
  }
  let at = 624;
  function twist() {
    for (let i = 0; i < 624; i++) {
      const y = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
      state[i] = state[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    at = 0;
  }
  function next() {
    if (at === 624) twist();
    let y = state[at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }
  return () => {
    const high = next() >>> 5, low = next() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  };
}

// n_inputs × n_outputs starting weights in [-1, 1), as rows; the library's for the same seed.
function seededWeights(seed, nInputs, nOutputs) {
  const random = legacyRandom(seed);
  return Array.from({length: nInputs}, () => Array.from({length: nOutputs}, () => 2 * random() - 1));
}

/* A problem: what a training needs to know, in flat arrays of numbers.
 *
 * table    {inputs, targets}: rows of numbers
 * options  {bias, rate, steps, weights, biases}: weights n_inputs × n_outputs as rows, biases n_outputs numbers, or null for 0 */
function makeProblem(table, options) {
  const rows = table.inputs.length, n = table.inputs[0].length, k = table.targets[0].length;
  const width = n + (options.bias ? 1 : 0);
  const start = new Float64Array(k * width);
  for (let c = 0; c < k; c++) {
    for (let j = 0; j < n; j++) start[c * width + j] = options.weights[j][c];
    if (options.bias) start[c * width + n] = options.biases ? options.biases[c] : 0;
  }
  // Rows of `width` numbers: with a bias, the last is 1, which the packed loop multiplies and the other never reads.
  const inputs = new Float64Array(rows * width).fill(1);
  for (let i = 0; i < rows; i++) for (let j = 0; j < n; j++) inputs[i * width + j] = table.inputs[i][j];
  return {
    rows, n, k, width, start, inputs, targets: Float64Array.from(table.targets.flat()),
    bias: options.bias, rate: options.rate, steps: options.steps,
  };
}

const floorToEight = (count) => Math.floor(count / 8) * 8;
const isPacked = (p) => p.width <= 8 && p.rows <= 256;
const isTiled = (p) => p.k >= 4 && p.n >= 24;

// Rows in a block of the library's pass; it matters to the sum of a bias's gradient only.
function rowsInBlock(p) {
  if (isTiled(p)) return Math.max(8, Math.min(floorToEight(32768 / p.n), 64));
  return Math.max(16, Math.min(floorToEight(2048 / p.n), 256, floorToEight(4096 / p.k)));
}

const lanes = new Float64Array(8);

const sumOfEight = (s) => ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));

// The weighted sum of a row: number j in the partial sum j mod 8, or mod 4 where the library computes by tiles; then the bias.
function weightedSum(p, row, from, coefficients, output) {
  const base = output * p.width, tiled = isTiled(p), mask = tiled ? 3 : 7;
  lanes.fill(0);
  for (let j = 0; j < p.n; j++) lanes[j & mask] += row[from + j] * coefficients[base + j];
  const sum = tiled ? (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]) : sumOfEight(lanes);
  return p.bias ? sum + coefficients[base + p.n] : sum;
}

// gradient = inputsᵀ @ adjustments, where a weighted sum is added from the first input to the last.
function packedGradient(p, coefficients, gradient) {
  const {rows, k, width, inputs, targets} = p;
  gradient.fill(0);
  for (let c = 0; c < k; c++) {
    const base = c * width;
    for (let i = 0, at = 0; i < rows; i++, at += width) {
      let sum = inputs[at] * coefficients[base];
      for (let j = 1; j < width; j++) sum += inputs[at + j] * coefficients[base + j];
      const output = sigmoid(sum);
      const adjustment = (targets[i * k + c] - output) * (output * (1 - output));
      for (let j = 0; j < width; j++) gradient[base + j] += inputs[at + j] * adjustment;
    }
  }
}

// gradient = inputsᵀ @ -adjustments, by blocks: rows are worked on in fours, one from each quarter of the table, then the up to
// three that are left. A four is added at once or, by tiles, row after row.
function blockGradient(p, coefficients, gradient, minus) {
  const {rows, n, k, width, inputs: x, targets} = p, inBlock = rowsInBlock(p);
  const grouped = rows - rows % 4, quarter = grouped / 4, atOnce = isTiled(p) ? 0 : grouped;
  const rowAt = (i) => (i < grouped ? (i >> 2) + (i & 3) * quarter : i);
  gradient.fill(0);
  for (let c = 0; c < k; c++) {
    const base = c * width;
    for (let i = 0; i < rows; i++) {
      const row = rowAt(i), output = sigmoid(weightedSum(p, x, row * width, coefficients, c));
      minus[i] = (output - targets[row * k + c]) * (output * (1 - output));
    }
    for (let i = 0; i < atOnce; i += 4) {
      const r0 = rowAt(i) * width, r1 = rowAt(i + 1) * width, r2 = rowAt(i + 2) * width, r3 = rowAt(i + 3) * width;
      const g0 = minus[i], g1 = minus[i + 1], g2 = minus[i + 2], g3 = minus[i + 3];
      for (let j = 0; j < n; j++) {
        gradient[base + j] += (x[r0 + j] * g0 + x[r1 + j] * g1) + (x[r2 + j] * g2 + x[r3 + j] * g3);
      }
    }
    for (let i = atOnce; i < rows; i++) {
      for (let j = 0, at = rowAt(i) * width; j < n; j++) gradient[base + j] += x[at + j] * minus[i];
    }
    for (let first = 0, last; p.bias && first < rows; first = last) {
      last = Math.min(first + inBlock, first < grouped ? grouped : rows);
      lanes.fill(0);
      for (let i = first; i < last; i++) lanes[(i - first) & 7] += minus[i];
      gradient[base + n] += sumOfEight(lanes);
    }
  }
}

// Return a function that makes one step in place and says whether it could; a step beyond LIMIT is not made.
function stepper(p) {
  const packed = isPacked(p), size = p.start.length, rate = p.rate;
  const gradient = new Float64Array(size), updated = new Float64Array(size), minus = new Float64Array(p.rows);
  return (coefficients) => {
    if (packed) packedGradient(p, coefficients, gradient);
    else blockGradient(p, coefficients, gradient, minus);
    let inside = true;
    for (let j = 0; j < size; j++) {
      const change = rate * gradient[j];
      updated[j] = packed ? coefficients[j] + change : coefficients[j] - change;
      inside = inside && Math.abs(updated[j]) <= LIMIT;
    }
    if (inside) coefficients.set(updated);
    return inside;
  };
}

// The half sum of squared errors over all rows and outputs.
function lossOf(p, coefficients) {
  let total = 0;
  for (let i = 0; i < p.rows; i++) {
    for (let c = 0; c < p.k; c++) {
      const error = p.targets[i * p.k + c] - sigmoid(weightedSum(p, p.inputs, i * p.width, coefficients, c));
      total += error * error;
    }
  }
  return total / 2;
}

// About `count` steps from 1 to `steps`, evenly spaced on a logarithmic scale.
function curveSteps(steps, count) {
  const found = new Set();
  for (let i = 0; i <= count; i++) found.add(Math.round(steps ** (i / count)));
  return [...found];
}

/* A training, of which any step can be had: `at(s)` gives the coefficients after s steps.
 *
 * `work(s, deadline)` computes towards step s until performance.now() passes the deadline, and returns the last step reached.
 * `curve` holds the losses before steps of a logarithmic scale, [step, loss], as far as they are computed; `last` is the last
 * step that can be made: fewer than asked for if a weight would leave the limit. */
class Training {
  constructor(problem) {
    this.problem = problem;
    this.last = problem.steps;
    this.curve = [];
    this.every = Math.max(64, Math.ceil(problem.steps / KEYFRAMES));
    this.keyframes = [problem.start];
    this.frontier = {step: 0, coefficients: problem.start.slice()};  // the furthest
    this.near = {step: 0, coefficients: problem.start.slice()};      // the last that was asked for
    this.makeStep = stepper(problem);
    this.planned = curveSteps(problem.steps, 240);
  }

  get computed() { return this.frontier.step; }

  get finished() { return this.frontier.step >= this.last; }

  // One step of the furthest coefficients, with the curve and the keyframes on the way.
  advance() {
    const {frontier} = this;
    if (this.planned[this.curve.length] === frontier.step + 1) {
      this.curve.push([frontier.step + 1, lossOf(this.problem, frontier.coefficients)]);
    }
    if (!this.makeStep(frontier.coefficients)) {
      this.last = frontier.step;
      return;
    }
    frontier.step++;
    if (frontier.step % this.every === 0) this.keyframes.push(frontier.coefficients.slice());
  }

  work(step, deadline) {
    const wanted = Math.min(step, this.last);
    for (let made = 1; this.frontier.step < Math.min(wanted, this.last); made++) {
      this.advance();
      if (made % this.stepsBetweenLooks === 0 && performance.now() > deadline) break;
    }
    return Math.min(this.frontier.step, wanted);
  }

  // Looking at the clock costs as much as a small step.
  get stepsBetweenLooks() { return Math.max(1, Math.floor(2000 / (this.problem.rows * this.problem.start.length))); }

  // The coefficients after `step` steps, which must be computed; valid until the next call.
  at(step) {
    const {near, frontier} = this;
    const known = Math.floor(step / this.every), from = known * this.every;
    if (step === frontier.step) {
      near.coefficients.set(frontier.coefficients);
      near.step = step;
    } else if (near.step > step || near.step < from) {
      near.coefficients.set(this.keyframes[known]);
      near.step = from;
    }
    for (; near.step < step; near.step++) this.makeStep(near.coefficients);
    return near.coefficients;
  }
}

// All numbers of a step, as the library's Step has them, for one output: each an array over the rows, all after `coefficients`.
function numbersOfStep(p, coefficients, output) {
  const {rows, k, width} = p;
  const numbers = {sums: [], outputs: [], errors: [], slopes: [], adjustments: []};
  for (let i = 0; i < rows; i++) {
    const sum = weightedSum(p, p.inputs, i * width, coefficients, output), o = sigmoid(sum);
    const error = p.targets[i * k + output] - o, slope = o * (1 - o);
    numbers.sums.push(sum);
    numbers.outputs.push(o);
    numbers.errors.push(error);
    numbers.slopes.push(slope);
    numbers.adjustments.push(error * slope);
  }
  return numbers;
}
