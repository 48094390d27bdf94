// The page of a training: its state, what it shows of a step, and what a person may change.

/* Design
 *
 * (a) `state` is all that a link keeps: the settings, the table, and the place. A change of settings or table makes a new
 *     Training; a change of place only shows another step of it.
 * (b) Step s shows what the library's Step s holds: the weights before it, the pass, and the weights after it, which are those of
 *     layer.train(..., iterations=s). A new situation meets the weights after the step, as layer.forward would then.
 * (c) While it plays, the picture of a step is drawn in several frames on a slow machine, and only what is in sight: to lay out and
 *     paint all texts at once takes longer than a frame there. Who asked for less motion sees two pictures a second. Whatever comes
 *     into sight is drawn with the next picture, and everything once it pauses.
 * (d) Work is done in slices of a few milliseconds, so that the page answers meanwhile, whatever the size of the table.
 * (e) Texts of the data reach the page as text nodes only: nothing is parsed as HTML. */

const MOST_INPUTS = 12, MOST_OUTPUTS = 10, ROWS_SHOWN = 20, MOST_TERMS = 12, MOST_STEPS = 10_000_000, LONGEST_LINK = 30_000;
const SLICE = 7;  // milliseconds of work between two frames

const byId = (id) => document.getElementById(id);
const file = JSON.parse(byId("page-data").textContent);
const reducesMotion = matchMedia("(prefers-reduced-motion: reduce)");

const fileTable = {inputs: file.inputs, targets: file.targets, names: file.names, targetNames: file.targetNames};
const fileSettings = {rate: file.rate, steps: file.steps, seed: file.seed, bias: file.bias};
const filePrint = fingerprint(JSON.stringify([file.inputs, file.targets, file.weights, file.biases]));

let state = {...fileSettings, table: fileTable, step: 1, row: 0, output: 0, ask: file.ask};
let training, shown, nodes, firstRow = 0, playing = null;
let cells = {rows: [], weights: []};
let drawnCurve = 0;
const neuronDrawing = new NeuronDrawing(byId("neuron"));
const curveDrawing = new CurveDrawing(byId("curve"), (step) => { pause(); goTo(step); });
const planeDrawing = new PlaneDrawing(byId("plane"), (row) => chooseRow(row));

function element(name, attributes, ...content) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) made.setAttribute(key, value);
  made.append(...content);
  return made;
}

function say(text, place = "message", isRefusal = false) {
  byId(place).textContent = text;
  byId(place).classList.toggle("refusal", isRefusal);
}

// Run what may be refused with a sentence; mark the field, if there is one, and say whether it went well.
function attempt(action, place, field) {
  try {
    action();
    field?.removeAttribute("aria-invalid");
    return true;
  } catch (error) {
    field?.setAttribute("aria-invalid", "true");
    say(error.message, place, true);
    return false;
  }
}

// Names of the columns of the table in use.
const inputName = (j) => state.table.names?.[j] ?? `input ${j + 1}`;
const outputName = (c) => state.table.targetNames?.[c] ?? (training.problem.k > 1 ? `target ${c + 1}` : "target");

// The starting weights: those of the seed or, without one, those that the file holds.
function startingWeights(table, seed) {
  const n = table.inputs[0].length, k = table.targets[0].length;
  return seed === null ? file.weights : seededWeights(seed, n, k);
}

const ownWeightsFit = (table) =>
  file.weights !== null && table.inputs[0].length === file.weights.length && table.targets[0].length === file.weights[0].length;

// Begin a training with these settings, paused at a step.
function begin(changes, sentence, keepsFields = false) {
  pause();
  state = {...state, step: 1, ...changes};
  const {table} = state, n = table.inputs[0].length, k = table.targets[0].length;
  if (state.seed === null && !ownWeightsFit(table)) state.seed = 1;
  state.row = Math.min(state.row, table.inputs.length - 1);
  state.output = Math.min(state.output, k - 1);
  if (state.ask.length !== n) state.ask = table.inputs[0];
  training = new Training(makeProblem(table, {
    ...state, weights: startingWeights(table, state.seed), biases: state.seed === null ? file.biases : null,
  }));
  if (sentence) say(sentence);
  buildAll(keepsFields);
  goTo(state.step, Boolean(sentence));
  scheduleBackground();
}

// Going to a step.

let wanted = null;  // the step that is being computed towards
let isQuiet = false;  // because another message is to stay

function goTo(step, quiet = false) {
  wanted = Math.max(1, Math.min(step, state.steps));
  isQuiet = quiet;
  continueTo();
}

function continueTo() {
  if (wanted === null) return;
  training.work(wanted, performance.now() + SLICE);
  const reached = Math.min(wanted, Math.max(1, training.computed));
  const isThere = reached === wanted || training.finished;
  if (isThere) wanted = null;
  state.step = reached;
  update();
  if (!isThere) requestAnimationFrame(continueTo);
  else if (!isQuiet) announce();
}

function announce() {
  if (training.last < state.steps && state.step >= training.last) {
    say(
      `Step ${grouped(training.last + 1)} would take a weight beyond 1e150, so it is not made: choose a smaller learning rate or ` +
      "scale the inputs down.", "message", true,
    );
  } else {
    say(`Step ${grouped(state.step)} of ${grouped(state.steps)}: the loss is ${fixed(shown.loss, 8)}.`);
  }
}

// Compute the rest of the training while nothing else is to be done, so that the curve is whole.
let background = null;

function scheduleBackground() {
  background ??= setTimeout(() => {
    background = null;
    if (training.finished) return;
    if (playing === null && wanted === null) training.work(state.steps, performance.now() + SLICE);
    if (playing === null) drawCurve();
    if (training.finished && playing === null && wanted === null) update();  // the last step is known
    if (training.finished && training.last < state.step) announce();
    scheduleBackground();
  }, playing === null ? 0 : 200);
}

// Playing.

function play() {
  wanted = null;
  if (state.step >= lastStep()) goTo(1);
  say("");
  playing = {position: state.step, since: performance.now(), drawn: 0, undrawn: [], inTime: 0};
  showPlaying();
  requestAnimationFrame(playFrame);
}

function pause() {
  if (playing === null) return;
  playing = null;
  showPlaying();
  update();
  announce();
}

const lastStep = () => Math.max(1, training.last);

function playFrame(now) {
  if (playing === null) return;
  const elapsed = Math.max(0, Math.min(now - playing.since, 250)), speed = Number(byId("speed").value);
  playing.since = now;
  playing.position += elapsed / 1000 * (speed || Math.max(2, 0.45 * playing.position));
  playing.inTime = elapsed < 20 ? playing.inTime + 1 : 0;
  if (!playing.undrawn.length) {
    const reached = Math.max(1, training.work(Math.floor(playing.position), performance.now() + SLICE));
    if (reached < Math.floor(playing.position)) playing.position = reached;  // as fast as this machine can
    if (reached >= lastStep()) {
      state.step = reached;
      return pause();
    }
    if (reached !== state.step && (!reducesMotion.matches || now - playing.drawn > 500)) {
      playing.drawn = now;
      state.step = reached;
      prepare();
      playing.undrawn = drawings.filter((drawing) => drawing.of.some((id) => !outOfSight.has(id)));
    }
  }
  // One drawing a frame; one more for each half second in which all frames were in time.
  for (const {draw} of playing.undrawn.splice(0, 1 + Math.floor(playing.inTime / 30))) draw();
  requestAnimationFrame(playFrame);
}

function showPlaying() {
  byId("play-text").textContent = playing ? "Pause" : "Play";
  byId("play-shape").setAttribute("d", playing ? "M4.5 3v10M11.5 3v10" : "m5 2.5 8 5.5-8 5.5z");
}

// What is built when a training begins, another output or row is chosen, or the width changes.

// The inputs to show: all, or those with the largest weights; a bias last, with j = n.
function shownInputs(coefficients) {
  const {n, width, bias} = training.problem, base = state.output * width;
  let chosen = Array.from({length: n}, (_, j) => j);
  if (n > MOST_INPUTS) {
    const size = (j) => Math.abs(coefficients[base + j]);
    chosen = chosen.sort((a, b) => size(b) - size(a) || a - b).slice(0, MOST_INPUTS).sort((a, b) => a - b);
  }
  return bias ? [...chosen, n] : chosen;
}

function shownOutputs() {
  const {k} = training.problem, first = Math.max(0, Math.min(state.output - MOST_OUTPUTS + 1, k - MOST_OUTPUTS));
  return Array.from({length: Math.min(k, MOST_OUTPUTS)}, (_, c) => first + c);
}

function nodeName(j) { return j === training.problem.n ? "bias" : inputName(j); }

function buildAll(keepsFields) {
  const {rows, n, k} = training.problem, {table} = state;
  byId("summary").textContent =
    `${k === 1 ? "One neuron" : `${k} neurons`}, ${counted(n, "input")}, no hidden layer: ${counted(rows, "row")} to learn from, ` +
    `${counted(state.steps, "step")} of gradient descent.`;
  byId("neuron-title").textContent = k === 1 ? "The neuron" : "The neurons";
  byId("slider").max = state.steps;
  byId("of-steps").textContent = `of ${grouped(state.steps)}`;
  byId("rate").value = shortest(state.rate);
  byId("steps").value = state.steps;
  byId("seed").value = state.seed ?? "";
  byId("seed").placeholder = ownWeightsFit(table) ? "own weights" : "";
  byId("bias").checked = state.bias;
  for (const id of ["rate", "steps", "seed"]) byId(id).removeAttribute("aria-invalid");
  byId("output-label").hidden = k === 1;
  byId("output").replaceChildren(...table.targets[0].map((_, c) => element("option", {value: c}, clipped(outputName(c), 40))));
  byId("output").value = state.output;
  byId("restore").disabled = table === fileTable;
  byId("link-label").hidden = true;
  say("", "keep-message");
  nodes = null;
  drawnCurve = 0;
  measure();
  if (!keepsFields) {
    firstRow = state.row - state.row % ROWS_SHOWN;
    buildTable();
    buildAsk();
  }
  buildPlane();
}

function nameCell(text) { return element("th", {scope: "col"}, element("span", {class: "bdi", title: text}, text)); }

const columnsShown = () => Math.min(training.problem.n, MOST_INPUTS);

function buildTable() {
  const {rows, n} = training.problem, {table} = state, last = Math.min(rows, firstRow + ROWS_SHOWN), shownColumns = columnsShown();
  const names = table.inputs[0].slice(0, shownColumns).map((_, j) => nameCell(inputName(j)));
  const computed = ["weighted sum", "output", "error", "slope", "adjustment"].map((name) => element("th", {scope: "col"}, name));
  const head = element("tr", {}, element("th", {scope: "col"}, "row"), ...names, nameCell(outputName(state.output)), ...computed);
  cells.rows = [];
  const body = element("tbody");
  for (let i = firstRow; i < last; i++) {
    const choose = element("button", {type: "button", "aria-label": `Row ${i + 1}: show its arithmetic`}, String(i + 1));
    choose.addEventListener("click", () => chooseRow(i));
    const line = element("tr", {}, element("th", {scope: "row"}, choose));
    for (let j = 0; j < shownColumns; j++) line.append(inputCell(i, j, false));
    line.append(inputCell(i, state.output, true));
    const texts = computed.map((_, at) => {
      const text = document.createTextNode("");
      line.append(element("td", at === 1 ? {class: "strong"} : {}, text));
      return text;
    });
    cells.rows.push({line, choose, texts});
    body.append(line);
  }
  byId("table").replaceChildren(element("thead", {}, head), body);
  byId("pages").hidden = rows <= ROWS_SHOWN;
  byId("rows-shown").textContent = `Rows ${grouped(firstRow + 1)} to ${grouped(last)} of ${grouped(rows)}`;
  byId("previous-rows").disabled = firstRow === 0;
  byId("next-rows").disabled = last === rows;
  byId("table-note").textContent = n > MOST_INPUTS ? `The first ${MOST_INPUTS} of ${counted(n, "input")} are shown; "Your own data" has all.` : "";
  showRow();
}

// A number of the table, in a field: briefly, and in full while it is edited.
function inputCell(i, at, isTarget) {
  const name = isTarget ? outputName(at) : inputName(at), numbersOf = (table) => (isTarget ? table.targets : table.inputs);
  const value = () => numbersOf(state.table)[i][at];
  const field = element("input", {inputmode: "decimal", autocomplete: "off", "aria-label": `Row ${i + 1}, ${name}`});
  function show() {
    field.value = brief(value(), 8);
    field.title = shortest(value());
    field.style.minWidth = `${field.value.length + 2.5}ch`;
  }
  show();
  field.addEventListener("focus", () => {
    if (field.value === brief(value(), 8)) field.value = shortest(value());
  });
  field.addEventListener("blur", () => {
    if (field.value === shortest(value())) show();
  });
  field.addEventListener("change", () => attempt(() => {
    const number = checkedNumber(field.value, `Row ${i + 1}, '${clipped(name, 30)}'`, isTarget);
    const table = {...state.table, inputs: [...state.table.inputs], targets: [...state.table.targets]};
    numbersOf(table)[i] = numbersOf(table)[i].with(at, number);
    changeTable(table, `Row ${i + 1}, ${clipped(name, 30)} is now ${shortest(number)}.`, true);
  }, "message", field));
  return element("td", {class: "cell"}, field);
}

// If only a number has changed, the fields stay, so that the keyboard does not lose its place.
function changeTable(table, sentence, keepsFields = false) {
  begin({table}, `${sentence} The training begins anew.`, keepsFields);
}

function showRow() {
  cells.rows.forEach(({line, choose}, i) => {
    const isChosen = firstRow + i === state.row;
    line.classList.toggle("chosen", isChosen);
    choose.setAttribute("aria-pressed", String(isChosen));
  });
  byId("row-title").textContent = `Row ${grouped(state.row + 1)} worked out`;
  byId("remove-row").textContent = `Remove row ${grouped(state.row + 1)}`;
  byId("remove-row").disabled = state.table.inputs.length === 1;
}

function chooseRow(row) {
  state.row = row;
  if (row < firstRow || row >= firstRow + ROWS_SHOWN) {
    firstRow = row - row % ROWS_SHOWN;
    buildTable();
  }
  showRow();
  update();
}

function turnRows(first) {
  firstRow = first;
  state.row = first;
  buildTable();
  update();
}

function buildAsk() {
  const {n} = training.problem;
  if (n > MOST_INPUTS) {
    const field = element("input", {class: "wide", autocomplete: "off", id: "ask-all"});
    field.value = state.ask.map(shortest).join(", ");
    field.addEventListener("change", () => attempt(() => {
      const parts = field.value.split(/[\s,;]+/).filter((part) => part !== "");
      if (parts.length !== n) throw new Error(`The situation has ${counted(parts.length, "number")}; expected ${n}, parted by commas.`);
      ask(parts.map((part, j) => checkedNumber(part, `Number ${j + 1}`, false)));
    }, "message", field));
    byId("ask").replaceChildren(element("label", {class: "whole-label"}, counted(n, "number"), field));
    return;
  }
  byId("ask").replaceChildren(...state.ask.map((value, j) => {
    const field = element("input", {inputmode: "decimal", autocomplete: "off", value: shortest(value)});
    field.style.width = `${Math.max(9, field.value.length + 3)}ch`;
    field.addEventListener("change", () => attempt(() => {
      ask(state.ask.with(j, checkedNumber(field.value, `The new situation's ${clipped(inputName(j), 30)}`, false)));
    }, "message", field));
    return element("label", {}, element("span", {class: "bdi"}, clipped(inputName(j), 30)), field);
  }));
}

function ask(situation) {
  state.ask = situation;
  say("");
  update();
}

function buildPlane() {
  const isPlane = training.problem.n === 2;
  byId("plane-section").hidden = !isPlane;
  if (isPlane) planeDrawing.layOut(state.table, state.output, [inputName(0), inputName(1)]);
}

// What is shown of a step.

function update() {
  prepare();
  for (const {draw} of drawings) draw();
}

// Compute all that the drawings show.
function prepare() {
  const {problem: p} = training, {step, output} = state;
  const before = training.at(step - 1).slice(), after = training.at(Math.min(step, training.last)).slice();
  shown = {step, before, after, numbers: numbersOfStep(p, before, output), loss: lossOf(p, before)};
}

// Each is drawn, while it plays, if one of its elements is in sight.
const drawings = [
  {of: ["slider"], draw: () => showPlace()},
  {of: ["neuron"], draw: () => showNeuron()},
  {of: ["weights"], draw: () => showWeights()},
  {of: ["curve", "plane"], draw: () => { showCurve(); showPlane(); }},
  {of: ["table"], draw: () => showTable()},
  {of: ["row"], draw: () => showWorked()},
  {of: ["answer"], draw: () => showAnswer()},
];

function showPlace() {
  const {step} = shown;
  setText(byId("loss"), fixed(shown.loss, 8));
  byId("slider").value = step;
  if (playing === null) byId("slider").setAttribute("aria-valuetext", `step ${step} of ${state.steps}`);
  if (document.activeElement !== byId("step") || playing) byId("step").value = step;
  byId("rewind").disabled = byId("back").disabled = step === 1 && !playing;
  byId("forward").disabled = byId("end").disabled = step >= lastStep() && training.finished;
  if (document.activeElement.disabled) byId("play").focus();  // else the keyboard would begin at the top again
}

const outOfSight = new Set();
const observer = new IntersectionObserver((changes) => {
  for (const {target, isIntersecting} of changes) outOfSight[isIntersecting ? "delete" : "add"](target.id);
});
for (const id of drawings.flatMap((drawing) => drawing.of)) observer.observe(byId(id));

function showCurve() {
  if (drawnCurve !== training.curve.length && (playing === null || drawnCurve === 0)) drawCurve();
  else curveDrawing.update(shown.step, shown.loss);
}

function showPlane() {
  if (training.problem.n !== 2) return;
  const {width, bias} = training.problem, base = state.output * width, {before} = shown;
  planeDrawing.update(before[base], before[base + 1], bias ? before[base + 2] : 0, state.row);
}

// Eight decimals where there is room for them, five elsewhere. Measured once, as asking for a width makes the browser lay out.
let decimalsIn = {};

function measure() {
  const enough = {table: 70 + (columnsShown() + 1) * 82 + 5 * 116, weights: 420, row: 460, answer: 460};
  for (const [id, width] of Object.entries(enough)) {
    decimalsIn[id] = byId(id).closest("section").clientWidth >= width ? 8 : 5;
  }
}

function setData(text, data) {
  if (text.data !== data) text.data = data;
}

function showTable() {
  const {sums, outputs, errors, slopes, adjustments} = shown.numbers;
  const decimals = decimalsIn.table;
  cells.rows.forEach(({texts}, at) => {
    const i = firstRow + at;
    [sums, outputs, errors, slopes, adjustments].forEach((column, c) => setData(texts[c], fixed(column[i], decimals)));
  });
}

function showNeuron() {
  const p = training.problem, {before} = shown, shownAt = shownInputs(before), outputs = shownOutputs();
  const row = state.row * p.width;
  const view = {
    chosen: outputs.indexOf(state.output),
    decimals: 8,
    caption: `${counted(p.n, "input")} with weights, weighted sum and output of row ${state.row + 1}; the tables hold all numbers`,
    nodes: shownAt.map((j) => ({
      name: nodeName(j), value: j === p.n ? 1 : p.inputs[row + j], weights: outputs.map((c) => before[c * p.width + j]),
    })),
    outputs: outputs.map((c) => {
      const sum = weightedSum(p, p.inputs, row, before, c);
      return {name: outputName(c), sum, output: sigmoid(sum), target: p.targets[state.row * p.k + c]};
    }),
  };
  const layout = [state.output, ...shownAt].join();
  if (nodes !== layout) {
    nodes = layout;
    neuronDrawing.layOut(view);
    const notes = [];
    if (p.n > MOST_INPUTS) notes.push(`Of ${counted(p.n, "input")} the ${MOST_INPUTS} with the largest weights are shown.`);
    byId("weights-note").textContent = notes.join(" ");
    if (p.k > MOST_OUTPUTS) notes.push(`Of ${counted(p.k, "output")} ${MOST_OUTPUTS} are shown.`);
    if (p.k > 1) notes.push("The numbers are those of the chosen output.");
    byId("neuron-note").textContent = notes.join(" ");
    buildWeights(shownAt);
    showWeights();
  }
  neuronDrawing.update(view);
}

function buildWeights(shownAt) {
  const head = element("tr", {}, ...["input", "in this step", "change", "after it"].map((name) => element("th", {scope: "col"}, name)));
  const body = element("tbody");
  cells.weights = shownAt.map((j) => {
    const line = element("tr", {}, element("th", {scope: "row"}, element("span", {class: "bdi", title: nodeName(j)}, nodeName(j))));
    const texts = [0, 1, 2].map((c) => {
      const text = document.createTextNode("");
      line.append(element("td", c === 2 ? {class: "strong"} : {}, text));
      return text;
    });
    body.append(line);
    return {j, texts};
  });
  byId("weights").replaceChildren(element("thead", {}, head), body);
}

function showWeights() {
  const {before, after} = shown, base = state.output * training.problem.width, decimals = decimalsIn.weights;
  for (const {j, texts} of cells.weights) {
    const old = before[base + j], now = after[base + j];
    [old, now - old, now].forEach((number, c) => setData(texts[c], fixed(number, decimals)));
  }
}

function drawCurve() {
  if (!training.curve.length || drawnCurve === training.curve.length || !shown) return;
  drawnCurve = training.curve.length;
  curveDrawing.layOut(training.curve, state.steps);
  curveDrawing.update(shown.step, shown.loss);
}

// Lines of arithmetic: [name, parts]; a part is a text or a result, which is shown in bold after a sign of equality.

const result = (number) => ({number});

// Show lines in a list; if they have the same names and as many parts as those there, only texts change.
function showWorkedLines(holder, lines, decimals) {
  const shape = lines.map(([name, ...parts]) => `${name}\n${parts.map((part) => typeof part).join()}`).join("\n");
  if (holder.shape !== shape) {
    holder.shape = shape;
    holder.texts = [];
    const list = element("dl");
    for (const [name, ...parts] of lines) {
      const value = element("dd");
      for (const part of parts) {
        const text = document.createTextNode("");
        holder.texts.push(text);
        value.append(element("span", {class: "term"}, ...(typeof part === "string" ? [text] : ["= ", element("strong", {}, text)])), " ");
      }
      list.append(element("dt", {}, name), value);
    }
    holder.replaceChildren(list);
  }
  const parts = lines.flatMap(([, ...rest]) => rest);
  parts.forEach((part, at) => setData(holder.texts[at], typeof part === "string" ? part : fixed(part.number, decimals)));
}

// "= 1 × 0.25", "+ 0 × -0.5" …: the products of a weighted sum; of many, the largest, and how many more there are.
function productTerms(values, weights, decimals) {
  let at = values.map((_, j) => j);
  if (at.length > MOST_TERMS) {
    const size = (j) => Math.abs(values[j] * weights[j]);
    at = at.sort((a, b) => size(b) - size(a) || a - b).slice(0, MOST_TERMS).sort((a, b) => a - b);
  }
  const terms = at.map((j, place) => `${place ? "+" : "="} ${brief(values[j], 12)} × ${fixed(weights[j], decimals)}`);
  if (at.length < values.length) terms.push(`+ ${grouped(values.length - at.length)} smaller products`);
  return terms;
}

function coefficientsOf(coefficients, output) {
  const {width} = training.problem;
  return [...coefficients.subarray(output * width, (output + 1) * width)];
}

function showWorked() {
  const p = training.problem, {numbers, before, after} = shown, {row, output} = state, decimals = decimalsIn.row;
  const values = [...p.inputs.subarray(row * p.width, (row + 1) * p.width)], weights = coefficientsOf(before, output);
  const target = p.targets[row * p.k + output], f = (number) => fixed(number, decimals);
  const [sum, o, error, slope, adjustment] = ["sums", "outputs", "errors", "slopes", "adjustments"].map((name) => numbers[name][row]);
  const lines = [
    ["weighted sum", ...productTerms(values, weights, decimals), result(sum)],
    ["output", `= 1 / (1 + e^${f(0 - sum)})`, result(o)],
    ["error", `= target - output`, `= ${brief(target, 12)} - ${f(o)}`, result(error)],
    ["slope", `= output × (1 - output)`, `= ${f(o)} × ${f(1 - o)}`, result(slope)],
    ["adjustment", `= error × slope`, `= ${f(error)} × ${f(slope)}`, result(adjustment)],
  ];
  const newWeights = coefficientsOf(after, output), rate = brief(state.rate, 12);
  for (const {j} of cells.weights) {
    const terms = p.rows > 8
      ? [`+ ${rate} × (${brief(values[j], 12)} × ${f(adjustment)}`, `+ ${grouped(p.rows - 1)} products of the other rows)`]
      : numbers.adjustments.map((a, i) => {
        const product = `${brief(p.inputs[i * p.width + j], 12)} × ${f(a)}`;
        return `${i ? "+" : `+ ${rate} × (`}${i ? " " : ""}${product}${i === p.rows - 1 ? ")" : ""}`;
      });
    const name = j === p.n ? "new bias" : p.n === 1 ? "new weight" : `new weight of ${clipped(inputName(j), 18)}`;
    lines.push([name, `= ${f(weights[j])}`, ...terms, result(newWeights[j])]);
  }
  showWorkedLines(byId("row"), lines, decimals);
}

function showAnswer() {
  const p = training.problem, {after} = shown, decimals = decimalsIn.answer;
  const values = p.bias ? [...state.ask, 1] : state.ask;
  const answers = Array.from({length: p.k}, (_, c) => sigmoid(weightedSum(p, values, 0, after, c)));
  const sum = weightedSum(p, values, 0, after, state.output), answer = answers[state.output];
  const lines = [
    ["weighted sum", ...productTerms(values, coefficientsOf(after, state.output), decimals), result(sum)],
    ["output", `= 1 / (1 + e^${fixed(0 - sum, decimals)})`, result(answer)],
  ];
  if (p.k > 1) answers.slice(0, 50).forEach((other, c) => lines.push([clipped(outputName(c), 18), result(other)]));
  const verdict = answer > 0.5 ? "1" : answer < 0.5 ? "0" : "neither 0 nor 1";
  const isMute = !p.bias && state.ask.every((value) => value === 0);
  const sentence = isMute
    ? "All inputs are 0, so every product is 0, and without a bias the answer can only be 0.5."
    : `After step ${grouped(shown.step)} the answer is ${verdict}.`;
  showWorkedLines(byId("answer"), lines, decimals);
  setText(byId("verdict"), sentence);
}

// What a person may keep.

function download(name, text, type) {
  const address = URL.createObjectURL(new Blob([text], {type}));
  const link = element("a", {href: address, download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

function tableOfStep() {
  const p = training.problem, outputs = Array.from({length: p.k}, (_, c) => c), {table} = state;
  const steps = outputs.map((c) => numbersOfStep(p, shown.before, c));
  const columns = ["weighted sum", "output", "error", "slope", "adjustment"];
  const header = [
    ...table.inputs[0].map((_, j) => inputName(j)), ...outputs.map(outputName),
    ...outputs.flatMap((c) => columns.map((name) => (p.k > 1 ? `${name} of ${outputName(c)}` : name))),
  ];
  const rows = table.inputs.map((row, i) => [
    ...row, ...table.targets[i],
    ...steps.flatMap(({sums, outputs: o, errors, slopes, adjustments}) => [sums[i], o[i], errors[i], slopes[i], adjustments[i]]),
  ]);
  return csvText(header, rows);
}

// The state as text: name=value&…; the table only if it is not the file's.
function linkText() {
  const {table} = state, rows = (numbers) => numbers.map((row) => row.map(shortest).join(",")).join(";");
  const names = (list) => list.map(encodeURIComponent).join(",");
  const parts = {step: state.step, rate: shortest(state.rate), steps: state.steps, seed: state.seed ?? "", bias: Number(state.bias)};
  Object.assign(parts, {row: state.row + 1, output: state.output + 1, ask: state.ask.map(shortest).join(",")});
  if (table !== fileTable) {
    Object.assign(parts, {inputs: rows(table.inputs), targets: rows(table.targets)});
    if (table.names) parts.names = names(table.names);
    if (table.targetNames) parts.target_names = names(table.targetNames);
  }
  if (table === fileTable || state.seed === null) parts.of = filePrint;
  return Object.entries(parts).map(([name, value]) => `${name}=${value}`).join("&");
}

function makeLink() {
  const text = linkText();
  if (text.length > LONGEST_LINK) {
    throw new Error(`A link with ${counted(training.problem.rows, "row")} would be too long to send: keep the table as CSV instead.`);
  }
  history.replaceState(null, "", "#" + text);
  byId("link-label").hidden = false;
  byId("link").value = location.href;
  byId("link").select();
  navigator.clipboard?.writeText(location.href).then(() => say("The link is copied.", "keep-message"), () => {});
  say("The address of this page now holds this state.", "keep-message");
}

// Undo linkText: the changes to the file's state. An Error is a sentence about what cannot be read.
function readLink(text) {
  const parts = new Map(text.split("&").map((part) => [part.split("=", 1)[0], part.slice(part.indexOf("=") + 1)]));
  const get = (name) => parts.get(name) ?? "";
  if (parts.has("of") && get("of") !== filePrint) {
    throw new Error("The link belongs to another page, with another table or other weights: open it with that file.");
  }
  let table = fileTable;
  if (parts.has("inputs")) {
    const lines = get("inputs").split(";"), targets = get("targets").split(";");
    const names = (name) => (parts.has(name) ? get(name).split(",").map(decodeURIComponent) : null);
    const wide = targets[0].split(",").length;
    table = readTable(lines.map((line, i) => `${line},${targets[i]}`).join("\n"), wide);
    const [own, ownTargets] = [names("names"), names("target_names")];
    if (own?.length === table.inputs[0].length) table.names = own;
    if (ownTargets?.length === wide) table.targetNames = ownTargets;
  }
  const steps = checkedWhole(get("steps"), "Steps of the link", 1, MOST_STEPS);
  const seed = get("seed") === "" ? null : checkedWhole(get("seed"), "Seed of the link", 0, 4294967295);
  if (seed === null && !ownWeightsFit(table)) throw new Error("The link has no seed: make it again from the page that you saw.");
  return {
    table, steps, seed,
    rate: checkedRate(get("rate")),
    bias: get("bias") === "1",
    step: checkedWhole(get("step"), "Step of the link", 1, steps),
    row: checkedWhole(get("row"), "Row of the link", 1, table.inputs.length) - 1,
    output: checkedWhole(get("output"), "Output of the link", 1, table.targets[0].length) - 1,
    ask: get("ask").split(",").map((cell, j) => checkedNumber(cell, `Number ${j + 1} of the link's situation`, false)),
  };
}

function openLink() {
  const text = location.hash.slice(1), start = {...fileSettings, table: fileTable, step: 1, row: 0, output: 0, ask: file.ask};
  if (text === "") return begin(start);
  let changes = start, refused = null;
  try {
    changes = readLink(text);
  } catch (error) {
    refused = error instanceof URIError ? "The link is damaged: copy it again." : `${error.message} The page shows its own start.`;
  }
  begin(changes, refused);
  if (refused) say(refused, "message", true);
}

// What a person does.

function onClick(id, action) { byId(id).addEventListener("click", action); }

function onChange(id, action) {
  byId(id).addEventListener("change", (event) => attempt(() => action(event.target), "message", event.target));
}

onClick("rewind", () => { pause(); goTo(1); });
onClick("back", () => { pause(); goTo(state.step - 1); });
onClick("forward", () => { pause(); goTo(state.step + 1); });
onClick("end", () => { pause(); goTo(state.steps); });
onClick("play", () => (playing ? pause() : play()));
byId("slider").addEventListener("input", (event) => { pause(); goTo(Number(event.target.value)); });
onChange("step", (field) => {
  pause();
  goTo(checkedWhole(field.value.replaceAll(",", ""), "Step", 1, state.steps));
  field.value = wanted ?? state.step;
});

onChange("rate", (field) => begin({rate: checkedRate(field.value)}, `The learning rate is ${field.value.trim()}. The training begins anew.`));
onChange("steps", (field) => begin({steps: checkedWhole(field.value.replaceAll(",", ""), "Steps", 1, MOST_STEPS)}));
onChange("seed", (field) => {
  const own = field.value.trim() === "" && ownWeightsFit(state.table);
  const seed = own ? null : checkedWhole(field.value, "Seed", 0, 4294967295);
  begin({seed}, `The weights start from ${own ? "the layer's own" : `seed ${seed}`}. The training begins anew.`);
});
byId("bias").addEventListener("change", (event) => {
  begin({bias: event.target.checked}, `The training begins anew, ${event.target.checked ? "with" : "without"} a bias.`);
});
onChange("output", (field) => {
  state.output = Number(field.value);
  buildTable();
  buildPlane();
  update();
});

onClick("previous-rows", () => turnRows(Math.max(0, firstRow - ROWS_SHOWN)));
onClick("next-rows", () => turnRows(firstRow + ROWS_SHOWN));
onClick("add-row", () => attempt(() => {
  const {table} = state, last = table.inputs.length;
  checkSize(last + 1, table.inputs[0].length + table.targets[0].length, table.targets[0].length);
  state.row = last;
  const added = {...table, inputs: [...table.inputs, table.inputs[last - 1]], targets: [...table.targets, table.targets[last - 1]]};
  changeTable(added, `Row ${last + 1} is a copy of the one above it: edit it.`);
}, "message"));
onClick("remove-row", () => {
  const {table, row} = state, without = (list) => list.filter((_, i) => i !== row);
  changeTable({...table, inputs: without(table.inputs), targets: without(table.targets)}, `Row ${row + 1} is removed.`);
});

byId("own").addEventListener("toggle", () => {
  if (!byId("own").open) return;
  const {table} = state, lines = table.inputs.map((row, i) => [...row, ...table.targets[i]].map(shortest).join("\t"));
  const header = [...table.inputs[0].map((_, j) => inputName(j)), ...table.targets[0].map((_, c) => outputName(c))];
  const quoted = header.map((name) => (/[\t\n\r"]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name));
  byId("paste").value = [quoted.join("\t"), ...lines].join("\n");
  byId("target-columns").value = table.targets[0].length;
});
onClick("use", () => attempt(() => {
  const targets = checkedWhole(byId("target-columns").value, "Target columns", 1, 1000);
  const table = readTable(byId("paste").value, targets), rows = counted(table.inputs.length, "row");
  begin({table, row: 0, output: 0}, `The training begins anew with ${rows} of ${counted(table.inputs[0].length, "input")}.`);
  say(`The table has ${rows} and is in use.`, "paste-message");
}, "paste-message", byId("paste")));
onClick("restore", () => {
  begin({table: fileTable, row: 0, output: 0, ask: file.ask}, "The table of the file is back. The training begins anew.");
  byId("own").dispatchEvent(new Event("toggle"));
  say("", "paste-message");
});

onClick("save-csv", () => {
  download(`step-${state.step}.csv`, tableOfStep(), "text/csv");
  say(`step-${state.step}.csv holds the table of this step.`, "keep-message");
});
onClick("save-model", () => {
  download(`layer-after-${state.step}.json`, modelText(training.problem, shown.after), "application/json");
  say(`layer-after-${state.step}.json holds the weights after this step.`, "keep-message");
});
onClick("make-link", () => attempt(makeLink, "keep-message"));

addEventListener("hashchange", openLink);
let drawnWidth = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === drawnWidth) return;
  drawnWidth = innerWidth;
  nodes = null;
  drawnCurve = 0;
  measure();
  buildPlane();
  update();
});

byId("written").textContent = `Written by pyperceptron ${file.version}. The page computes every step itself and needs no network.`;
openLink();
