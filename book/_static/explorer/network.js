// A small residual network and what its plateaus need: forward pass, heights, components, merge tree.
// Plain arithmetic in float64; the Python package computes the same numbers and a test compares them.
// The whole file is one function, so that a Worker can be made of its text (pages opened from a
// folder cannot load a Worker from a file).
function plateauMath() {
  "use strict";
  const EPSILON = 1e-5; // of LayerNorm, as in torch

  /** Weights from base64 float32 and the list of their shapes, in the order of the forward pass. */
  function decode(stored) {
    const bytes = Uint8Array.from(atob(stored.weights), (c) => c.charCodeAt(0));
    const flat = Float64Array.from(new Float32Array(bytes.buffer));
    let at = 0;
    const take = (n) => flat.subarray(at, (at += n));
    const linear = (out, inn) => ({ out, inn, w: take(out * inn), b: take(out) });
    const normal = (n) => ({ n, g: take(n), b: take(n) });
    const { inputs, width, blocks, outputs, skip } = stored;
    const encoder = linear(width, inputs);
    const half = () => ({ norm: normal(width), linear: linear(width, width) });
    const trunk = Array.from({ length: blocks }, () => [half(), half()]);
    const head = { norm: normal(width), linear: linear(outputs, width) };
    if (at !== flat.length) throw new Error("the stored weights have another size than their shapes");
    return { inputs, width, blocks, outputs, skip, encoder, trunk, head };
  }

  function applyLinear(l, x, y) {
    for (let i = 0, k = 0; i < l.out; i++) {
      let s = l.b[i];
      for (let j = 0; j < l.inn; j++) s += l.w[k++] * x[j];
      y[i] = s;
    }
  }

  function normReLU(l, x, y) {
    let mean = 0, variance = 0;
    for (let i = 0; i < l.n; i++) mean += x[i];
    mean /= l.n;
    for (let i = 0; i < l.n; i++) variance += (x[i] - mean) ** 2;
    const scale = 1 / Math.sqrt(variance / l.n + EPSILON);
    for (let i = 0; i < l.n; i++) y[i] = Math.max(0, (x[i] - mean) * scale * l.g[i] + l.b[i]);
  }

  /** What can be read: the stream that leaves block 0 (the encoder) ... block n, the logits, their
   *  probabilities. */
  const readings = (net) => net.blocks + 3;
  const size = (net, reading) => (reading <= net.blocks ? net.width : net.outputs);

  /** All readings of one input; visit(reading, values) sees each before it is overwritten. */
  function forward(net, input, visit) {
    const x = new Float64Array(net.width), t = new Float64Array(net.width);
    const u = new Float64Array(net.width), logits = new Float64Array(net.outputs);
    applyLinear(net.encoder, input, x);
    visit(0, x);
    net.trunk.forEach((halves, i) => {
      u.set(x);
      for (const h of halves) {
        normReLU(h.norm, u, t);
        applyLinear(h.linear, t, u);
      }
      for (let j = 0; j < net.width; j++) x[j] = net.skip ? x[j] + u[j] : u[j];
      visit(i + 1, x);
    });
    normReLU(net.head.norm, x, t);
    applyLinear(net.head.linear, t, logits);
    visit(net.blocks + 1, logits);
    const most = Math.max(...logits), odds = logits.map((v) => Math.exp(v - most));
    const sum = odds.reduce((p, q) => p + q);
    visit(net.blocks + 2, odds.map((v) => v / sum));
  }

  function read(net, input, reading) {
    let out;
    forward(net, input, (k, v) => { if (k === reading) out = v.slice(); });
    return out;
  }

  const coordinate = (k, n) => -1 + (2 * k) / (n - 1);

  /** One reading at the n x n nodes of [-1, 1]^2: n * n rows, row j * n + i is the node (x_i, y_j). */
  function field(net, reading, n) {
    const d = size(net, reading), values = new Float64Array(n * n * d);
    for (let j = 0; j < n; j++) {
      for (let i = 0; i < n; i++) {
        const y = read(net, [coordinate(i, n), coordinate(j, n)], reading);
        values.set(y, (j * n + i) * d);
      }
    }
    return values;
  }

  /** h_a at every node: the Euclidean distance of its output from that of a. */
  function heights(values, centre) {
    const d = centre.length, h = new Float64Array(values.length / d);
    for (let k = 0; k < h.length; k++) {
      let s = 0;
      for (let j = 0; j < d; j++) s += (values[k * d + j] - centre[j]) ** 2;
      h[k] = Math.sqrt(s);
    }
    return h;
  }

  const node = (point, n) => point.map((c) => Math.round(((c + 1) / 2) * (n - 1)));

  /** Components of {h < r} that hold the source (2), or do not (1); 0 outside. Four neighbours. */
  function component(h, n, source, r) {
    const mark = new Uint8Array(h.length);
    for (let k = 0; k < h.length; k++) if (h[k] < r) mark[k] = 1;
    if (!mark[source]) return mark;
    const stack = [source];
    mark[source] = 2;
    while (stack.length) {
      const k = stack.pop(), i = k % n;
      const next = [i > 0 ? k - 1 : -1, i < n - 1 ? k + 1 : -1, k - n, k + n];
      for (const m of next) if (m >= 0 && m < h.length && mark[m] === 1) (mark[m] = 2), stack.push(m);
    }
    return mark;
  }

  /**
   * Nodes by height. Height and number of a node share one float64 (38 and 14 bits), because an
   * array of numbers sorts ten times faster than one of indices with a rule for comparing them.
   */
  function ascending(h) {
    let top = 0;
    for (let k = 0; k < h.length; k++) if (h[k] > top) top = h[k];
    const scale = top > 0 ? (2 ** 38 - 1) / top : 0;
    const keys = Float64Array.from(h, (v, k) => Math.floor(v * scale) * 2 ** 14 + k);
    return Uint16Array.from(keys.sort(), (key) => key % 2 ** 14);
  }

  /**
   * The merge tree of h over the grid, as a list of merges (elder rule), and the merge height of
   * two nodes: the level at which water rising from below first joins them.
   */
  function mergeTree(h, n, source, goal) {
    const order = ascending(h);
    const parent = new Int32Array(h.length).fill(-1), merges = [];
    const find = (k) => {
      while (parent[k] !== k) k = parent[k] = parent[parent[k]];
      return k;
    };
    let joined = source === goal ? h[source] : NaN;
    for (const k of order) {
      parent[k] = k;
      const i = k % n;
      const next = [i > 0 ? k - 1 : -1, i < n - 1 ? k + 1 : -1, k - n, k + n];
      for (const m of next) {
        if (m < 0 || m >= h.length || parent[m] < 0) continue;
        let p = find(k), q = find(m);
        if (p === q) continue;
        if (h[p] > h[q] || (h[p] === h[q] && p > q)) [p, q] = [q, p]; // the elder, p, stays
        if (h[k] > h[q]) merges.push({ young: q, elder: p, birth: h[q], death: h[k] });
        parent[q] = p;
      }
      if (Number.isNaN(joined) && parent[source] >= 0 && parent[goal] >= 0 && find(source) === find(goal)) joined = h[k];
    }
    return { merges, joined, oldest: order[0], top: h[order[order.length - 1]] };
  }

  return { decode, readings, size, forward, read, field, heights, node, component, mergeTree, coordinate };
}
if (typeof window !== "undefined") {
  window.plateauMathSource = plateauMath.toString();
  window.plateauMath = plateauMath();
}
if (typeof module !== "undefined") module.exports = plateauMath();
