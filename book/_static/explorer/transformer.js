// A small GPT-2 at one prompt: the prefix is run once, then each point costs one token.
// Plain arithmetic in float64; the Python package computes the same numbers and a test compares them.
function transformerMath() {
  "use strict";
  const EPSILON = 1e-5; // of LayerNorm, as in torch

  /** Weights from base64 bfloat16, in the order of the forward pass. */
  function decode(stored) {
    const bytes = Uint8Array.from(atob(stored.weights), (c) => c.charCodeAt(0));
    const halves = new Uint16Array(bytes.buffer), words = new Uint32Array(halves.length);
    for (let k = 0; k < halves.length; k++) words[k] = halves[k] << 16; // a bfloat16 is half a float32
    const flat = Float64Array.from(new Float32Array(words.buffer));
    let at = 0;
    const take = (n) => flat.subarray(at, (at += n));
    const { blocks, width: d, heads, context, words: vocabulary } = stored;
    const linear = (inn, out) => ({ inn, out, w: take(inn * out), b: take(out) });
    const normal = () => ({ g: take(d), b: take(d) });
    const net = { d, heads, context, vocabulary, ids: new Map(vocabulary.map((w, k) => [w, k])) };
    net.tokens = take(vocabulary.length * d);
    net.positions = take(context * d);
    net.blocks = Array.from({ length: blocks }, () => ({
      before: normal(), qkv: linear(d, 3 * d), attention: linear(d, d),
      between: normal(), rise: linear(d, 4 * d), fall: linear(4 * d, d),
    }));
    net.last = normal();
    if (at !== flat.length) throw new Error("the stored weights have another size than their shapes");
    return net;
  }

  function norm(l, x) {
    const n = x.length, y = new Float64Array(n);
    let mean = 0, variance = 0;
    for (let i = 0; i < n; i++) mean += x[i];
    mean /= n;
    for (let i = 0; i < n; i++) variance += (x[i] - mean) ** 2;
    const scale = 1 / Math.sqrt(variance / n + EPSILON);
    for (let i = 0; i < n; i++) y[i] = (x[i] - mean) * scale * l.g[i] + l.b[i];
    return y;
  }

  function apply(l, x) {
    const y = Float64Array.from(l.b);
    for (let i = 0, k = 0; i < l.inn; i++) for (let j = 0, v = x[i]; j < l.out; j++) y[j] += v * l.w[k++];
    return y;
  }

  const gelu = (v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)));

  function softmax(x) {
    const most = x.reduce((p, q) => Math.max(p, q), -Infinity), y = x.map((v) => Math.exp(v - most));
    const sum = y.reduce((p, q) => p + q, 0);
    return y.map((v) => v / sum);
  }

  /** Block i at one position: what enters it, and the keys and values before it, to what leaves it. */
  function block(net, i, x, kept) {
    const g = net.blocks[i], d = net.d, size = d / net.heads, qkv = apply(g.qkv, norm(g.before, x));
    const key = qkv.subarray(d, 2 * d), value = qkv.subarray(2 * d);
    const keys = [...kept[i].keys, key], values = [...kept[i].values, value], mixed = new Float64Array(d);
    for (let h = 0; h < net.heads; h++) {
      const from = h * size, scores = Float64Array.from(keys, (k) => {
        let s = 0;
        for (let j = from; j < from + size; j++) s += qkv[j] * k[j];
        return s / Math.sqrt(size);
      });
      softmax(scores).forEach((p, t) => {
        for (let j = from; j < from + size; j++) mixed[j] += p * values[t][j];
      });
    }
    const attention = apply(g.attention, mixed), y = x.map((v, j) => v + attention[j]);
    const mlp = apply(g.fall, apply(g.rise, norm(g.between, y)).map(gelu));
    return { y: y.map((v, j) => v + mlp[j]), key, value };
  }

  function embed(net, id, position) {
    const x = new Float64Array(net.d);
    for (let j = 0; j < net.d; j++) x[j] = net.tokens[id * net.d + j] + net.positions[position * net.d + j];
    return x;
  }

  /** Keys and values of a prefix, block by block. */
  function prefix(net, ids) {
    const kept = net.blocks.map(() => ({ keys: [], values: [] }));
    ids.forEach((id, position) => {
      let x = embed(net, id, position);
      net.blocks.forEach((_, i) => {
        const { y, key, value } = block(net, i, x, kept);
        kept[i].keys.push(key);
        kept[i].values.push(value);
        x = y;
      });
    });
    return kept;
  }

  /** What leaves blocks from ... last for one point that enters block `from`. */
  function trace(net, kept, x, from) {
    const states = [];
    for (let i = from; i < net.blocks.length; i++) states.push((x = block(net, i, x, kept).y));
    return states;
  }

  /** What enters block `before` for a last word. */
  function state(net, kept, id, position, before) {
    let x = embed(net, id, position);
    for (let i = 0; i < before; i++) x = block(net, i, x, kept).y;
    return x;
  }

  function predictions(net, x) {
    const y = norm(net.last, x), logits = new Float64Array(net.vocabulary.length);
    for (let v = 0, k = 0; v < logits.length; v++) {
      let s = 0;
      for (let j = 0; j < net.d; j++) s += net.tokens[k++] * y[j];
      logits[v] = s;
    }
    return softmax(logits);
  }

  const distance = (x, y) => Math.sqrt(x.reduce((s, v, j) => s + (v - y[j]) ** 2, 0));

  /**
   * The experiment: from the word a to the word b in `steps` points that enter block `from`.
   * Returns d(alpha)/d(1) after every block, and the predictions at every point.
   */
  function interpolate(net, ids, a, b, { from, steps }) {
    const kept = prefix(net, ids), [A, B] = [a, b].map((id) => state(net, kept, id, ids.length, from));
    const traces = Array.from({ length: steps }, (_, k) => {
      const t = k / (steps - 1);
      return trace(net, kept, A.map((v, j) => v + t * (B[j] - v)), from);
    });
    const curves = traces[0].map((start, i) => {
      const d = traces.map((states) => distance(states[i], start));
      return d.map((v) => v / d[steps - 1]);
    });
    return { curves, predictions: traces.map((states) => predictions(net, states[states.length - 1])) };
  }

  return { decode, interpolate, prefix, state, trace, predictions };
}
if (typeof window !== "undefined") {
  window.transformerMathSource = transformerMath.toString();
  window.transformerMath = transformerMath();
}
if (typeof module !== "undefined") module.exports = transformerMath();
