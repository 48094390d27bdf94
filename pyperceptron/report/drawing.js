// Drawings in SVG: a neuron with its weights, a loss curve, and a plane with its points.

/* Design
 *
 * (a) A drawing is laid out for the width that it has, in pixels, so that its text has the same size on a telephone.
 * (b) Its elements are made once, by `layOut`, and then only changed, by `update`: that is all that playing costs.
 * (c) Colours are classes of the style sheet, which has them for light, dark and print. Sign is told by dashes too. */

const SVG = "http://www.w3.org/2000/svg";

function svgElement(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes ?? {})) element.setAttribute(key, value);
  if (text !== undefined) element.append(text);
  parent.append(element);
  return element;
}

function setText(element, text) {
  if (element.firstChild?.nodeType !== Node.TEXT_NODE || element.childNodes.length > 1) element.replaceChildren(text);
  else if (element.firstChild.data !== text) element.firstChild.data = text;
}

// A new drawing that fills the width of its holder, at its own height.
function newDrawing(holder, height, label) {
  const width = Math.max(260, Math.floor(holder.clientWidth));
  holder.replaceChildren();
  const root = svgElement(holder, "svg", {width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label});
  return {root, width, height};
}

const signClass = (number) => (number < 0 ? "negative" : "positive");

const synapseWidth = (weight) => 1 + 9 * Math.abs(weight) / (Math.abs(weight) + 4);

// The curve of the sigmoid from -6 to 6 in a square of side 2·size about the origin.
function sigmoidPath(size) {
  const points = [];
  for (let i = 0; i <= 24; i++) points.push(`${((i / 12 - 1) * size).toFixed(1)} ${((1 - 2 * sigmoid(i / 2 - 6)) * size).toFixed(1)}`);
  return `M${points.join("L")}`;
}

/* The neurons: inputs with values, synapses with weights, sums, sigmoids and outputs.
 *
 * A view is {nodes, outputs, chosen, decimals, caption}: nodes [{name, value, weights}], weights one an output; outputs
 * [{name, sum, output, target}]. */
class NeuronDrawing {
  constructor(holder) { this.holder = holder; }

  layOut(view) {
    const narrow = this.holder.clientWidth < 480, many = view.outputs.length > 1;
    const gap = view.nodes.length > 7 ? 48 : 64, outputGap = many ? 52 : 0;
    const height = Math.max(view.nodes.length * gap, view.outputs.length * outputGap, 210) + 24;
    const {root, width} = newDrawing(this.holder, height, view.caption);
    this.root = root;
    this.decimals = narrow ? 5 : view.decimals;
    const left = 46, radius = many ? 17 : narrow ? 36 : 44;
    const neuronX = many ? width - (narrow ? 112 : 176) : narrow ? width - 66 : width - 216;
    const at = (index, count, space) => height / 2 + (index - (count - 1) / 2) * space;
    const synapses = svgElement(root, "g", {}), labels = svgElement(root, "g", {});
    this.nodes = view.nodes.map((node, j) => {
      const y = at(j, view.nodes.length, gap) + 6;
      const lines = view.outputs.map((_, c) => {
        const line = svgElement(synapses, "line", {
          x1: left + 36, y1: y, x2: neuronX - radius, y2: at(c, view.outputs.length, outputGap),
        });
        return {line, width: "", kind: ""};
      });
      const end = at(view.chosen, view.outputs.length, outputGap), slope = (end - y) / (neuronX - radius - left - 36);
      const label = svgElement(labels, "text", {x: left + 48, y: y + 12 * slope + (slope < -0.05 ? 18 : -8), class: "weight"}, "");
      svgElement(root, "rect", {x: left - 36, y: y - 14, width: 72, height: 28, rx: 14, class: "node"});
      svgElement(root, "text", {x: left - 34, y: y - 22, class: "name"}, clipped(node.name, narrow ? 12 : 24));
      const value = svgElement(root, "text", {x: left, y: y + 4.5, class: "middle"}, "");
      return {lines, label, value};
    });
    this.outputs = view.outputs.map((output, c) => {
      const y = at(c, view.outputs.length, outputGap);
      const group = svgElement(root, "g", {transform: `translate(${neuronX} ${y})`});
      svgElement(group, "circle", {r: radius, class: many && c === view.chosen ? "neuron chosen" : "neuron"});
      svgElement(group, "path", {d: sigmoidPath(radius * 0.58), class: "sigmoid"});
      const dot = svgElement(group, "circle", {r: many ? 3 : 5, class: "dot"});
      if (many) {
        svgElement(group, "text", {x: radius + 8, y: -4, class: "name"}, clipped(output.name, narrow ? 10 : 18));
        return {dot, radius, output: svgElement(group, "text", {x: radius + 8, y: 13, class: "number"}, "")};
      }
      svgElement(group, "text", {y: -radius - 28, class: "name middle"}, "weighted sum");
      const sum = svgElement(group, "text", {y: -radius - 11, class: "number middle"}, "");
      if (narrow) {
        svgElement(group, "text", {y: radius + 20, class: "name middle"}, "output");
        const number = svgElement(group, "text", {y: radius + 38, class: "number strong middle"}, "");
        return {dot, radius, sum, output: number, target: svgElement(group, "text", {y: radius + 58, class: "name middle"}, "")};
      }
      svgElement(group, "line", {x1: radius, x2: radius + 34, class: "wire"});
      svgElement(group, "rect", {x: radius + 34, y: -20, width: 124, height: 40, rx: 20, class: "node"});
      svgElement(group, "text", {x: radius + 96, y: -29, class: "name middle"}, "output");
      const number = svgElement(group, "text", {x: radius + 96, y: 5.5, class: "number strong middle"}, "");
      return {dot, radius, sum, output: number, target: svgElement(group, "text", {x: radius + 96, y: 40, class: "name middle"}, "")};
    });
  }

  update(view) {
    view.nodes.forEach((node, j) => {
      const drawn = this.nodes[j];
      setText(drawn.value, brief(node.value, 8));
      setText(drawn.label, fixed(node.weights[view.chosen], this.decimals));
      drawn.label.setAttribute("class", `weight ${signClass(node.weights[view.chosen])}`);
      node.weights.forEach((weight, c) => {
        const synapse = drawn.lines[c], width = synapseWidth(weight).toFixed(2);
        const kind = `synapse ${signClass(weight)}${c === view.chosen ? "" : " other"}`;
        if (synapse.width !== width) synapse.line.setAttribute("stroke-width", synapse.width = width);
        if (synapse.kind !== kind) synapse.line.setAttribute("class", synapse.kind = kind);
      });
    });
    view.outputs.forEach(({sum, output, target}, c) => {
      const drawn = this.outputs[c], size = drawn.radius * 0.58;
      const x = Math.max(-1, Math.min(1, sum / 6)) * size;
      drawn.dot.setAttribute("transform", `translate(${x.toFixed(2)} ${((1 - 2 * output) * size).toFixed(2)})`);
      setText(drawn.output, fixed(output, this.decimals));
      if (drawn.sum) setText(drawn.sum, fixed(sum, this.decimals));
      if (drawn.target) setText(drawn.target, `target ${brief(target, 8)}`);
    });
  }
}

// Round numbers from 0 to about `highest`.
function roundTicks(lowest, highest, count) {
  const raw = (highest - lowest) / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= raw) * power, ticks = [];
  for (let i = Math.ceil(lowest / step); i * step <= highest * (1 + 1e-12); i++) ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

// Powers of ten times these digits.
function powersOfTen(lowest, highest, digits = [1]) {
  const ticks = [];
  for (let e = Math.floor(Math.log10(lowest)); e <= Math.log10(highest) + 1e-9; e++) {
    for (const digit of digits) ticks.push(Number(`${digit}e${e}`));
  }
  return ticks.filter((tick) => tick >= lowest * (1 - 1e-9) && tick <= highest * (1 + 1e-9));
}

/* The loss at each step, steps and, if it falls far, losses on a logarithmic scale, with the place marked. */
class CurveDrawing {
  constructor(holder, onPick) {
    this.holder = holder;
    this.onPick = onPick;
  }

  layOut(curve, steps) {
    const {root, width, height} = newDrawing(this.holder, 270, "Loss at each step");
    const area = this.area = {left: 58, right: width - 12, top: 14, bottom: height - 40};
    const losses = curve.map(([, loss]) => loss), highest = Math.max(...losses, 1e-300);
    const lowest = Math.max(Math.min(...losses), highest * 1e-12);
    this.steps = steps;
    const isLog = highest > 20 * lowest;
    const x = this.x = (step) => area.left + (area.right - area.left) * (steps > 1 ? Math.log(step) / Math.log(steps) : 0);
    const fall = (loss) => (isLog ? Math.log(highest / Math.max(loss, lowest)) / Math.log(highest / lowest) : 1 - loss / (highest * 1.05));
    const y = this.y = (loss) => area.top + (area.bottom - area.top) * fall(loss);
    let ticks = isLog ? powersOfTen(lowest, highest) : roundTicks(0, highest * 1.05, 5);
    if (isLog && ticks.length < 3) ticks = powersOfTen(lowest, highest, [1, 2, 5]);
    if (isLog && ticks.length > 6) ticks = ticks.filter((_, i) => i % Math.ceil(ticks.length / 6) === 0);
    for (const tick of ticks) {
      svgElement(root, "line", {x1: area.left, x2: area.right, y1: y(tick), y2: y(tick), class: "grid"});
      svgElement(root, "text", {x: area.left - 8, y: y(tick) + 4, class: "tick end"}, String(tick));
    }
    for (const tick of powersOfTen(1, steps)) {
      svgElement(root, "line", {x1: x(tick), x2: x(tick), y1: area.bottom, y2: area.bottom + 4, class: "axis"});
      svgElement(root, "text", {x: x(tick), y: area.bottom + 18, class: "tick middle"}, grouped(tick));
    }
    svgElement(root, "line", {x1: area.left, x2: area.right, y1: area.bottom, y2: area.bottom, class: "axis"});
    svgElement(root, "text", {x: area.right, y: height - 4, class: "tick end"}, "step");
    svgElement(root, "path", {d: "M" + curve.map(([step, loss]) => `${x(step).toFixed(1)} ${y(loss).toFixed(1)}`).join("L"), class: "curve"});
    this.place = svgElement(root, "line", {y1: area.top, y2: area.bottom, class: "place"});
    this.dot = svgElement(root, "circle", {r: 5, class: "dot"});
    this.root = root;
    root.addEventListener("click", (event) => this.pick(event));
    root.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse") root.setPointerCapture(event.pointerId);  // a finger may be about to scroll
    });
    root.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse" && event.buttons) this.pick(event);
    });
  }

  pick(event) {
    const {left, right} = this.area, share = (event.clientX - this.root.getBoundingClientRect().left - left) / (right - left);
    this.onPick(Math.max(1, Math.round(this.steps ** Math.max(0, Math.min(1, share)))));
  }

  update(step, loss) {
    const {right, top} = this.area, x = Math.min(this.x(step), right).toFixed(1);
    this.place.setAttribute("transform", `translate(${x} 0)`);
    this.dot.setAttribute("transform", `translate(${x} ${Math.max(top, this.y(loss)).toFixed(1)})`);
  }
}

/* Two inputs as a plane: the points, the line where the output is one half, and the output as a colour. */
class PlaneDrawing {
  constructor(holder, onPick) {
    this.holder = holder;
    this.onPick = onPick;
  }

  layOut(table, output, names) {
    const {root, width, height} = newDrawing(this.holder, 320, "The two inputs as a plane, with the points and the boundary");
    const area = {left: 52, right: width - 12, top: 12, bottom: height - 42};
    const range = (j) => {
      const values = table.inputs.map((row) => row[j]);
      const low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
      const margin = (high - low) * 0.2 || Math.abs(high) * 0.5 || 1;
      return [low - margin, high + margin];
    };
    const [xLow, xHigh] = this.xRange = range(0), [yLow, yHigh] = this.yRange = range(1);
    const x = (value) => area.left + (value - xLow) / (xHigh - xLow) * (area.right - area.left);
    const y = (value) => area.bottom - (value - yLow) / (yHigh - yLow) * (area.bottom - area.top);
    this.area = area;
    const definitions = svgElement(root, "defs", {});
    const box = {x: area.left, y: area.top, width: area.right - area.left, height: area.bottom - area.top};
    svgElement(svgElement(definitions, "clipPath", {id: "plane-clip"}), "rect", box);
    this.gradient = svgElement(definitions, "linearGradient", {id: "plane-field", gradientUnits: "userSpaceOnUse"});
    for (let i = 0; i <= 16; i++) {
      const share = 2 * sigmoid(i * 0.75 - 6) - 1;  // from -1 to 1
      svgElement(this.gradient, "stop", {
        offset: i / 16, class: share < 0 ? "field-negative" : "field-positive", "stop-opacity": (Math.abs(share) * 0.42).toFixed(3),
      });
    }
    this.field = svgElement(root, "rect", {...box, fill: "url(#plane-field)"});
    for (const tick of roundTicks(xLow, xHigh, width < 420 ? 3 : 5)) {
      svgElement(root, "text", {x: x(tick), y: area.bottom + 16, class: "tick middle"}, String(tick));
    }
    for (const tick of roundTicks(yLow, yHigh, 4)) {
      svgElement(root, "text", {x: area.left - 8, y: y(tick) + 4, class: "tick end"}, String(tick));
    }
    svgElement(root, "text", {x: area.right, y: height - 6, class: "tick end"}, `→ ${clipped(names[0], 30)}`);
    svgElement(root, "text", {x: area.left + 6, y: area.top + 16, class: "tick"}, `↑ ${clipped(names[1], 30)}`);
    const clip = svgElement(root, "g", {"clip-path": "url(#plane-clip)"});
    this.boundary = svgElement(clip, "line", {class: "boundary"});
    svgElement(root, "rect", {...box, class: "frame"});
    this.points = table.inputs.map((row, i) => {
      const isOne = table.targets[i][output] >= 0.5;
      const group = svgElement(root, "g", {transform: `translate(${x(row[0]).toFixed(1)} ${y(row[1]).toFixed(1)})`, class: "point"});
      if (isOne) svgElement(group, "circle", {r: 5.5, class: "one"});
      else svgElement(group, "rect", {x: -5, y: -5, width: 10, height: 10, class: "zero"});
      group.addEventListener("click", () => this.onPick(i));
      return group;
    });
    this.chosen = null;
  }

  // The sum is a·x + b·y + c over the plane; its boundary is where that is 0.
  update(a, b, c, row) {
    if (this.chosen !== row) {
      this.points[this.chosen]?.classList.remove("chosen");
      this.points[row]?.classList.add("chosen");
      this.chosen = row;
    }
    const {left, right, top, bottom} = this.area, [xLow, xHigh] = this.xRange, [yLow, yHigh] = this.yRange;
    const perX = a * (xHigh - xLow) / (right - left), perY = -b * (yHigh - yLow) / (bottom - top);  // of the sum, a pixel
    const atCorner = a * xLow + b * yHigh + c, length = Math.hypot(perX, perY);
    if (!(length > 1e-12)) {  // one answer everywhere
      this.boundary.setAttribute("visibility", "hidden");
      const start = left - 1e6 * Math.max(0, Math.min(1, (atCorner + 6) / 12));
      this.setGradient(start, top, start + 1e6, top);
      return;
    }
    const ux = perX / length, uy = perY / length, distance = -atCorner / length;  // from the corner to the boundary, in pixels
    const px = left + ux * distance, py = top + uy * distance, far = 4000 + Math.abs(distance), half = Math.max(6 / length, 0.5);
    this.boundary.setAttribute("visibility", "visible");
    for (const [name, value] of [["x1", px - uy * far], ["y1", py + ux * far], ["x2", px + uy * far], ["y2", py - ux * far]]) {
      this.boundary.setAttribute(name, value.toFixed(1));
    }
    this.setGradient(px - ux * half, py - uy * half, px + ux * half, py + uy * half);
  }

  setGradient(x1, y1, x2, y2) {
    for (const [name, value] of Object.entries({x1, y1, x2, y2})) this.gradient.setAttribute(name, value.toFixed(2));
  }
}
