// Explorer A: a trained network, live. Drag a and b, slide r, choose where the network is read.
(function () {
  "use strict";
  const N = 121, STEPS = 201, WELLS = 12;
  const math = window.plateauMath;
  const INK = { plateau: "#D55E00", ball: "#56B4E9", straight: "#8A8A8A", b: "#009E73" };
  const START = { net: "trained", reading: "last", r: 0.35, a: [-0.5, 0.5], b: [0.93, -0.93] };
  const SVG = "http://www.w3.org/2000/svg";
  // Five colours of the map "cividis", joined by straight lines.
  const MAP = [[0, 34, 78], [65, 77, 107], [124, 123, 120], [188, 175, 111], [254, 232, 56]];

  function colour(t) {
    const s = Math.min(0.9999, Math.max(0, t)) * (MAP.length - 1), k = Math.floor(s);
    return MAP[k].map((c, i) => c + (s - k) * (MAP[k + 1][i] - c));
  }

  /** 256 colours of the map, plain and under the plateau's tint: a table, because a frame has 14,641. */
  const PLATEAU = [213, 94, 0], BALL = [86, 180, 233], LEVELS = 256;
  const table = (change) => Array.from({ length: LEVELS }, (_, k) => change(colour(k / (LEVELS - 1)))).flat();
  const PLAIN = Uint8ClampedArray.from(table((rgb) => rgb));
  const TINTED = Uint8ClampedArray.from(table((rgb) => rgb.map((c, q) => 0.25 * c + 0.75 * PLATEAU[q])));

  function element(name, attributes = {}, text = "") {
    const e = document.createElementNS(SVG, name);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
    if (text) e.textContent = text;
    return e;
  }

  /** Fields take half a second: a Worker computes them, so that the page stays alive. */
  function worker() {
    const body = `const math = (${window.plateauMathSource})(); onmessage = (e) => {
      const { stored, reading, n, key } = e.data;
      const values = math.field(math.decode(stored), reading, n);
      postMessage({ key, values }, [values.buffer]);
    };`;
    return new Worker(URL.createObjectURL(new Blob([body], { type: "text/javascript" })));
  }

  class Explorer {
    constructor(root, stored) {
      this.root = root;
      this.stored = stored;
      this.nets = Object.fromEntries(Object.entries(stored).map(([k, s]) => [k, math.decode(s)]));
      this.fields = new Map();
      this.state = { ...START, ...this.fromLink() };
      this.find = (name) => root.querySelector(`[data-part="${name}"]`);
      this.fill();
      this.listen();
      this.worker = worker();
      this.worker.onmessage = (e) => {
        this.fields.set(e.data.key, e.data.values);
        this.waiting = false;
        this.show();
      };
      this.show();
    }

    // ---- state, also in the address, so that a link shows the same picture ----
    fromLink() {
      const found = {}, query = new URLSearchParams(location.hash.split("?")[1] || "");
      const point = (text) => {
        const p = (text || "").split(",").map(Number);
        return p.length === 2 && p.every((c) => Math.abs(c) <= 1) ? p : null;
      };
      if (this.stored[query.get("net")]) found.net = query.get("net");
      if (/^(last|\d{1,2})$/.test(query.get("read") || "")) found.reading = query.get("read");
      const r = Number(query.get("r"));
      if (r > 0 && r <= 1) found.r = r;
      for (const k of ["a", "b"]) if (point(query.get(k))) found[k] = point(query.get(k));
      return found;
    }

    toLink() {
      const { net, reading, r, a, b } = this.state, f = (p) => p.map((c) => c.toFixed(3)).join(",");
      history.replaceState(null, "", `#explorer?net=${net}&read=${reading}&r=${r}&a=${f(a)}&b=${f(b)}`);
    }

    get net() { return this.nets[this.state.net]; }

    get reading() {
      const last = math.readings(this.net) - 1;
      return this.state.reading === "last" ? last : Math.min(Number(this.state.reading), last);
    }

    // ---- controls ----
    fill() {
      const labels = this.root.dataset.labels ? JSON.parse(this.root.dataset.labels) : {};
      for (const key of Object.keys(this.stored)) {
        this.find("net").append(new Option(labels[key] || key, key));
      }
      const last = math.readings(this.net) - 1;
      for (let k = 0; k < last; k++) {
        const name = k === 0 ? "the encoder" : k === last - 1 ? "the logits" : `block ${k}`;
        this.find("reading").append(new Option(name, String(k)));
      }
      this.find("reading").append(new Option("the probabilities", "last"));
    }

    listen() {
      const set = (change, drawn = true) => {
        Object.assign(this.state, change);
        if (drawn) this.later();
      };
      this.find("net").onchange = (e) => set({ net: e.target.value });
      this.find("reading").onchange = (e) => set({ reading: e.target.value });
      this.find("radius").oninput = (e) => set({ r: Number(e.target.value) });
      for (const name of ["a", "b"]) {
        const handle = this.find(name);
        const move = (e) => {
          const box = this.find("terrain").getBoundingClientRect();
          const x = (2 * (e.clientX - box.left)) / box.width - 1;
          const y = 1 - (2 * (e.clientY - box.top)) / box.height;
          set({ [name]: [x, y].map((c) => Math.min(1, Math.max(-1, c))) });
        };
        handle.onpointerdown = (e) => { handle.setPointerCapture(e.pointerId); handle.onpointermove = move; };
        handle.onpointerup = handle.onpointercancel = () => { handle.onpointermove = null; this.say(); };
        handle.onkeydown = (e) => {
          const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[e.key];
          if (!step) return;
          e.preventDefault();
          const size = e.shiftKey ? 0.1 : 0.02;
          set({ [name]: this.state[name].map((c, i) => Math.min(1, Math.max(-1, c + size * step[i]))) });
          this.say();
        };
      }
      for (const button of this.root.querySelectorAll("[data-preset]")) {
        button.onclick = () => { set(JSON.parse(button.dataset.preset)); this.say(); };
      }
    }

    /** At most one drawing a frame, however often the pointer moves. */
    later() {
      if (this.asked) return;
      this.asked = true;
      requestAnimationFrame(() => { this.asked = false; this.show(); });
    }

    // ---- what is seen ----
    show() {
      const { net, a, b, r } = this.state, key = `${net}/${this.reading}`;
      this.place();
      if (!this.fields.has(key)) {
        if (this.waiting !== key) {
          this.waiting = key;
          this.find("said").textContent = "Computing this reading at 14,641 points …";
          this.worker.postMessage({ stored: this.stored[net], reading: this.reading, n: N, key });
        }
        return;
      }
      const started = performance.now();
      const values = this.fields.get(key), centre = math.read(this.net, a, this.reading);
      const h = math.heights(values, centre);
      const index = (p) => { const [i, j] = math.node(p, N); return j * N + i; };
      const source = index(a), goal = index(b);
      const tree = math.mergeTree(h, N, source, goal);
      const top = tree.top, radius = r * top;
      const mark = math.component(h, N, source, radius);
      this.result = { h, tree, top, radius, mark, source, goal, end: this.heightAt(b, centre) };
      this.paint();
      this.curve(centre);
      this.treeView();
      if (!this.find("a").onpointermove && !this.find("b").onpointermove) this.say();
      this.toLink();
      this.frame = performance.now() - started;
    }

    heightAt(p, centre) {
      const y = math.read(this.net, p, this.reading);
      return Math.hypot(...y.map((v, i) => v - centre[i]));
    }

    place() {
      this.find("net").value = this.state.net;
      this.find("reading").value = this.state.reading;
      this.find("radius").value = this.state.r;
      for (const name of ["a", "b"]) {
        const [x, y] = this.state[name], style = this.find(name).style;
        style.left = `${50 * (x + 1)}%`;
        style.top = `${50 * (1 - y)}%`;
        this.find(name).setAttribute("aria-label", `point ${name} at ${x.toFixed(2)}, ${y.toFixed(2)}; move it with the arrow keys`);
      }
    }

    paint() {
      const { h, top, mark } = this.result, canvas = this.find("canvas");
      if (canvas.width !== N) canvas.width = canvas.height = N;
      const context = canvas.getContext("2d"), image = context.createImageData(N, N), data = image.data;
      for (let j = 0; j < N; j++) {
        for (let i = 0; i < N; i++) {
          const k = j * N + i, at = 4 * ((N - 1 - j) * N + i);
          // Elsewhere in the ball: dots, so that the two differ without colour too.
          const dot = mark[k] === 1 && (i + j) % 3 === 0, colours = mark[k] === 2 ? TINTED : PLAIN;
          const from = 3 * Math.round((LEVELS - 1) * Math.min(1, h[k] / top));
          for (let q = 0; q < 3; q++) data[at + q] = dot ? BALL[q] : colours[from + q];
          data[at + 3] = 255;
        }
      }
      context.putImageData(image, 0, 0);
    }

    curve(centre) {
      const { radius, tree, top, end } = this.result, { a, b } = this.state, svg = this.find("curve");
      const W = 360, H = 190, left = 34, bottom = 26;
      // Room above the highest line for its label
      const x = (t) => left + t * (W - left - 8), y = (v) => H - bottom - (v / top) * (H - bottom - 24);
      const points = [];
      for (let k = 0; k < STEPS; k++) {
        const t = k / (STEPS - 1), p = a.map((c, i) => c + t * (b[i] - c));
        points.push([x(t), y(Math.min(top * 1.05, this.heightAt(p, centre)))]);
      }
      const line = (x1, y1, x2, y2, more) => element("line", { x1, y1, x2, y2, stroke: "currentColor", ...more });
      svg.setAttribute("viewBox", `0 0 ${W} ${H}`);
      svg.replaceChildren(
        line(left, y(0), W - 8, y(0)), line(left, y(0), left, 8),
        line(x(0), y(0), x(1), y(end), { stroke: INK.straight, "stroke-dasharray": "2 4" }),
        line(left, y(radius), W - 8, y(radius), { stroke: INK.plateau, "stroke-dasharray": "6 4" }),
        line(left, y(tree.joined), W - 8, y(tree.joined), { stroke: INK.b, "stroke-width": 1.5 }),
        element("polyline", { points: points.join(" "), fill: "none", stroke: "currentColor", "stroke-width": 2.2 }),
        element("text", { x: W - 10, y: y(radius) - 4, "text-anchor": "end" }, "r"),
        element("text", { x: left + 4, y: y(tree.joined) - 6 }, "m"),
        element("text", { x: x(0), y: H - 8, "text-anchor": "middle" }, "a"),
        element("text", { x: x(1), y: H - 8, "text-anchor": "middle" }, "b"),
        element("text", { x: 4, y: 14 }, "h"),
      );
    }

    /** The deepest wells: each leaf a well, each join the height at which it merges with an elder. */
    treeView() {
      const { tree, top, radius, h } = this.result, svg = this.find("tree");
      const W = 360, H = 170, y = (v) => H - 14 - (v / top) * (H - 28);
      const depth = (m) => m.death - m.birth;
      const deep = tree.merges.filter((m) => depth(m) > 0.03 * top).sort((p, q) => depth(q) - depth(p)).slice(0, WELLS);
      const young = new Map(deep.map((m) => [m.young, m])), wells = [tree.oldest, ...deep.map((m) => m.young)];
      // The elder of a kept merge may itself have been swallowed in a merge that is not kept.
      const all = new Map(tree.merges.map((m) => [m.young, m.elder]));
      const kept = (k) => { while (!young.has(k) && all.has(k)) k = all.get(k); return k; };
      const children = new Map(wells.map((w) => [w, []]));
      for (const m of deep) children.get(kept(m.elder)).push(m);
      const order = [];
      const walk = (w) => { order.push(w); children.get(w).sort((p, q) => p.death - q.death).forEach((m) => walk(m.young)); };
      walk(tree.oldest);
      const x = new Map(order.map((w, k) => [w, 24 + ((W - 40) * (k + 0.5)) / order.length]));
      const parts = [];
      const line = (x1, y1, x2, y2, more) => parts.push(element("line", { x1, y1, x2, y2, stroke: "currentColor", "stroke-width": 2, ...more }));
      for (const w of order) {
        const m = young.get(w), death = m ? m.death : top;
        const lives = { stroke: w === tree.oldest ? INK.plateau : INK.ball, "stroke-width": 4 };
        line(x.get(w), y(h[w]), x.get(w), y(death));
        if (h[w] < radius) line(x.get(w), y(h[w]), x.get(w), y(Math.min(death, radius)), lives);
        if (m) line(x.get(w), y(death), x.get(kept(m.elder)), y(death));
      }
      line(8, y(radius), W - 8, y(radius), { stroke: INK.plateau, "stroke-dasharray": "6 4", "stroke-width": 1 });
      parts.push(element("text", { x: W - 10, y: y(radius) - 4, "text-anchor": "end" }, "r"));
      parts.push(element("text", { x: x.get(tree.oldest), y: H - 1, "text-anchor": "middle" }, "a"));
      svg.setAttribute("viewBox", `0 0 ${W} ${H}`);
      svg.replaceChildren(...parts);
      this.wells = order.length;
    }

    say() {
      if (!this.result) return;
      const { mark, radius, tree, goal, end, top } = this.result, percent = (n) => `${((100 * n) / mark.length).toFixed(0)}%`;
      let own = 0, other = 0;
      for (const v of mark) { own += v === 2; other += v === 1; }
      const where = mark[goal] === 2
        ? "b lies in the plateau of a."
        : mark[goal] === 1
          ? "b’s output lies within r of that of a, and yet b is not in its plateau: every way there on this grid rises to r or above."
          : "b lies outside.";
      this.find("said").textContent =
        `r = ${radius.toPrecision(3)}. The plateau of a covers ${percent(own)} of the square` +
        (other ? `; another ${percent(other)} has outputs within r of that of a without being connected to it. ` : ". ") +
        `${where} From a to b the output ends ${end.toPrecision(3)} away, and the best way there rises to ` +
        `m(a, b) = ${tree.joined.toPrecision(3)} (the highest point of the landscape: ${top.toPrecision(3)}).`;
    }
  }

  function begin() {
    for (const root of document.querySelectorAll(".plateau-explorer[data-explorer='plateau']")) {
      root.hidden = false;
      window.plateauExplorer = new Explorer(root, window.plateauNetworks);
    }
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
