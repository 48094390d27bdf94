// Numbers and tables as text, and back.

// With so many decimals as Python prints them, halves to even; with eight digits if the number is large.
function fixed(number, decimals) {
  if (Math.abs(number) >= 1e6) return String(Number(number.toPrecision(8)));
  const text = number.toFixed(decimals);
  const isTie = Math.abs(number * 2 ** (decimals + 1)) % 2 === 1;
  if (!isTie || "02468".includes(text.at(-1))) return text;
  return (number - Math.sign(number) * 0.25 * 10 ** -decimals).toFixed(decimals);
}

// As short as possible without changing it.
function shortest(number) {
  return Object.is(number, -0) ? "-0" : String(number);
}

// At most `most` characters, if need be with fewer digits, or as 1.7e9.
function brief(number, most) {
  let text = shortest(number);
  for (let digits = most; text.length > most && digits > 0; digits--) {
    text = String(Number(number.toPrecision(digits)));
    if (text.length > most || Number(text) !== Number(number.toPrecision(digits))) {
      text = number.toExponential(digits - 1).replace("e+", "e");
    }
  }
  return text;
}

function clipped(text, most) {
  const letters = Array.from(text);  // so that a letter of two units stays whole
  return letters.length > most ? letters.slice(0, most - 1).join("") + "…" : text;
}

const grouped = (whole) => String(whole).replace(/\B(?=(\d{3})+$)/g, ",");

const counted = (count, noun) => `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;

// The number that a text holds, or null; Number() alone would take "", "0x1" and "Infinity".
function parsedNumber(text) {
  const trimmed = text.trim().replace("\u2212", "-");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed) ? Number(trimmed) : null;
}

// The number in a cell; an Error says where it stands and what is wrong with it.
function checkedNumber(text, place, isTarget) {
  const number = parsedNumber(text), found = `${place} is ${text.trim() === "" ? "empty" : `'${clipped(text.trim(), 30)}'`}`;
  const expected = isTarget ? "a number from 0 to 1" : "a number from -1e150 to 1e150";
  if (/^[+-]?\d+,\d+$/.test(text.trim())) {
    throw new Error(`${found}; expected ${expected}: write it with a point, as ${text.trim().replace(",", ".")}.`);
  }
  if (number === null) throw new Error(`${found}; expected ${expected}: fill it in or leave that row out.`);
  if (isTarget && !(number >= 0 && number <= 1)) throw new Error(`${found}; expected ${expected}: scale the targets first.`);
  if (!(Math.abs(number) <= LIMIT)) throw new Error(`${found}; expected ${expected}: scale it down.`);
  return number;
}

function checkedWhole(text, name, lowest, highest) {
  const number = /^\s*\d+\s*$/.test(text) ? Number(text) : NaN;
  if (!(number >= lowest && number <= highest)) {
    throw new Error(`${name} is '${clipped(text.trim(), 30)}'; expected a whole number from ${lowest} to ${highest}.`);
  }
  return number;
}

function checkedRate(text) {
  const number = parsedNumber(text);
  if (!(number > 0 && number < Infinity)) {
    throw new Error(`Learning rate is '${clipped(text.trim(), 30)}'; expected a positive number, such as 0.5.`);
  }
  return number;
}

// Which character parts the cells: a tab, as spreadsheets copy them; else a semicolon, a comma or a space.
function separatorOf(text) {
  const unquoted = text.replace(/"[^"]*"/g, "");
  return ["\t", ";", ","].find((character) => unquoted.includes(character)) ?? " ";
}

// The lines of a text as arrays of cells. A cell in quotes may hold the separator, line ends and doubled quotes.
function cellsOf(text) {
  const separator = separatorOf(text), lines = [];
  let line = [], cell = "", inQuotes = false;
  function endCell() {
    if (separator !== " " || cell !== "") line.push(cell);
    cell = "";
  }
  function endLine() {
    endCell();
    if (line.some((content) => content.trim() !== "")) lines.push(line);
    line = [];
  }
  const source = text.replace(/\r\n?/g, "\n");
  for (let i = 0; i < source.length; i++) {
    const character = source[i];
    if (inQuotes && character === '"' && source[i + 1] === '"') cell += source[++i];
    else if (character === '"' && (inQuotes || cell.trim() === "")) inQuotes = !inQuotes;
    else if (inQuotes) cell += character;
    else if (character === separator) endCell();
    else if (character === "\n") endLine();
    else cell += character;
  }
  if (inQuotes) throw new Error('A quote " is never closed: close it or leave it out.');
  endLine();
  return lines;
}

function checkSize(rows, columns, targets) {
  const found = `The table has ${counted(rows, "row")} of ${counted(columns, "column")}`;
  if (rows > MOST_ROWS || rows * columns > MOST_NUMBERS) {
    throw new Error(`${found}; expected at most ${grouped(MOST_ROWS)} rows and ${grouped(MOST_NUMBERS)} numbers: take a sample of the rows.`);
  }
  if ((columns - targets) * targets > MOST_NUMBERS) {
    throw new Error(`${found}, ${targets} of them targets; expected at most ${grouped(MOST_NUMBERS)} weights: take fewer columns.`);
  }
}

// The lines without the columns at the end that are empty in all of them, as spreadsheets may copy them.
function withoutEmptyColumns(lines) {
  const used = lines.map((line) => line.findLastIndex((cell) => cell.trim() !== "") + 1);
  const columns = used.reduce((most, count) => Math.max(most, count), 0);
  return lines.map((line) => line.slice(0, columns));
}

/* A table from text: {inputs, targets, names, targetNames}; names are null if the first line holds numbers.
 *
 * The last `targets` columns are the targets. An Error is one sentence about the first thing that is wrong. */
function readTable(text, targets) {
  const lines = withoutEmptyColumns(cellsOf(text));
  if (!lines.length) throw new Error("The table is empty: paste rows of numbers, the target last.");
  const columns = lines[0].length;
  const header = lines[0].every((cell) => parsedNumber(cell) === null && !/^[+-]?\d+,\d+$/.test(cell.trim())) ? lines.shift() : null;
  if (columns <= targets) {
    throw new Error(
      `The table has ${counted(columns, "column")}; expected at least ${targets + 1}: ` +
      `${counted(targets, "target")} after the inputs, parted by tabs or commas.`,
    );
  }
  if (!lines.length) throw new Error("The table has names but no rows: paste rows of numbers below them.");
  checkSize(lines.length, columns, targets);
  const table = {inputs: [], targets: [], names: null, targetNames: null};
  if (header) {
    const names = header.map((name, j) => name.trim() || `column ${j + 1}`);
    table.names = names.slice(0, columns - targets);
    table.targetNames = names.slice(columns - targets);
  }
  lines.forEach((line, i) => {
    if (line.length !== columns) {
      throw new Error(
        `Row ${i + 1} has ${counted(line.length, "cell")} but the first line has ${columns}: give each row as many.`,
      );
    }
    const numbers = line.map((cell, j) => {
      const name = header ? `'${clipped(header[j].trim(), 30)}'` : j + 1;
      return checkedNumber(cell, `Row ${i + 1}, column ${name}`, j >= columns - targets);
    });
    table.inputs.push(numbers.slice(0, columns - targets));
    table.targets.push(numbers.slice(columns - targets));
  });
  return table;
}

// A cell of CSV: in quotes where it must be, and where a spreadsheet would otherwise run it as a formula.
function csvCell(text) {
  const safe = /^[=+\-@\t\r]/.test(text) ? "'" + text : text;
  return /[",;\t\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

// Lines of CSV: a header of texts, then rows of numbers.
function csvText(header, rows) {
  return [header.map(csvCell), ...rows.map((row) => row.map(shortest))].map((line) => line.join(",") + "\r\n").join("");
}

// A float as JSON that Python reads as a float, with its sign if it is 0.
function jsonFloat(number) {
  const text = shortest(number);
  return /[.e]/.test(text) ? text : text + ".0";
}

// The text of a model file, as SigmoidLayer.to_json writes it.
function modelText(p, coefficients) {
  const weights = [], outputs = Array.from({length: p.k}, (_, c) => c);
  for (let j = 0; j < p.n; j++) weights.push(outputs.map((c) => coefficients[c * p.width + j]));
  const list = (numbers) => `[${numbers.map(jsonFloat).join(", ")}]`;
  const biases = p.bias ? list(outputs.map((c) => coefficients[c * p.width + p.n])) : "null";
  const fields = {
    format: '"pyperceptron model"', version: 1, kind: '"SigmoidLayer"', date: "null", inputs: p.n, outputs: p.k, threads: "null",
    backend: '"auto"', findings: "[]", bias: biases, weights: `[${weights.map(list).join(", ")}]`,
  };
  return "{\n" + Object.entries(fields).map(([name, value]) => `"${name}": ${value}`).join(",\n") + "\n}\n";
}

// 32 bits that tell one text from another (FNV-1a), to notice that a link belongs to another page.
function fingerprint(text) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16);
}
