// Explorer B: a language model in the page. Choose a prompt and two words; slide alpha and the block.
(function () {
  "use strict";
  const STEPS = 51, SHOWN = 6, SVG = "http://www.w3.org/2000/svg";
  const math = window.transformerMath;
  const FILES = { trained: "laboratory.js", "step 0": "laboratory-step-0.js" };
  const CONTEXTS = {
    He: ["met", "was"],
    "He was": ["a", "in"],
    "The house was": ["always", "painted"],
    "Anna heard the": ["dog", "hound"],
  };

  function element(name, attributes = {}, text = "") {
    const e = document.createElementNS(SVG, name);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
    if (text) e.textContent = text;
    return e;
  }

  class Prompt {
    constructor(root) {
      this.root = root;
      this.nets = {};
      this.find = (name) => root.querySelector(`[data-part="${name}"]`);
      this.folder = root.dataset.folder || "";
      this.find("load").onclick = () => this.load("trained").then(() => this.begin());
    }

    /** A script, not a fetch: pages opened from a folder may not fetch. */
    load(name) {
      if (this.nets[name]) return Promise.resolve();
      this.find("load").textContent = "Loading …";
      return new Promise((done, failed) => {
        const script = document.createElement("script");
        script.src = this.folder + FILES[name];
        script.onload = () => {
          this.nets[name] = math.decode(window.plateauTransformers[name]);
          done();
        };
        script.onerror = () => { this.find("load").textContent = "The weights could not be loaded; click to try again."; failed(); };
        document.head.append(script);
      });
    }

    begin() {
      this.find("load").hidden = true;
      this.find("body").hidden = false;
      const net = this.nets.trained;
      this.find("words").replaceChildren(...net.vocabulary.map((w) => new Option(w, w)));
      this.find("contexts").replaceChildren(...Object.keys(CONTEXTS).map((c) => new Option(c, c)));
      for (let i = 0; i < net.blocks.length; i++) this.find("from").append(new Option(String(i), String(i)));
      const link = new URLSearchParams(location.hash.startsWith("#prompt?") ? location.hash.slice(8) : "");
      const [context, [a, b]] = Object.entries(CONTEXTS)[0];
      this.find("context").value = link.get("context") || context;
      this.find("a").value = link.get("a") || a;
      this.find("b").value = link.get("b") || b;
      this.find("from").value = /^\d+$/.test(link.get("from") || "") ? link.get("from") : "1";
      this.find("alpha").value = /^\d+$/.test(link.get("alpha") || "") ? link.get("alpha") : "25";
      for (const name of ["context", "a", "b", "from", "net"]) this.find(name).onchange = () => this.run(name);
      this.find("alpha").oninput = () => this.show();
      this.run();
    }

    async run(changed) {
      const value = (name) => this.find(name).value.trim();
      if (changed === "context" && CONTEXTS[value("context")]) {
        [this.find("a").value, this.find("b").value] = CONTEXTS[value("context")];
      }
      await this.load(value("net"));
      const net = this.nets[value("net")], words = value("context").split(/\s+/).filter(Boolean);
      const unknown = [...words, value("a"), value("b")].find((w) => !net.ids.has(w));
      const say = (text) => { this.find("said").textContent = text; };
      if (unknown !== undefined) return say(`The language has no word “${unknown}”; it has ${net.vocabulary.length}, offered as you type.`);
      if (!words.length) return say("A prompt needs at least one word before the last.");
      if (words.length >= net.context) return say(`A prompt has at most ${net.context - 1} words before the last.`);
      if (value("a") === value("b")) return say("The two last words must differ.");
      const [a, b] = ["a", "b"].map((n) => net.ids.get(value(n)));
      this.result = math.interpolate(net, words.map((w) => net.ids.get(w)), a, b, { from: Number(value("from")), steps: STEPS });
      const p = this.result.predictions, far = p.map((q) => Math.hypot(...q.map((v, j) => v - p[0][j])));
      this.odds = far.map((v) => v / far[STEPS - 1]);
      this.show();
    }

    show() {
      if (!this.result) return;
      const k = Number(this.find("alpha").value), { curves, predictions } = this.result;
      const W = 360, H = 250, left = 30, bottom = 24, top = Math.max(1, ...this.odds, ...curves.map((c) => Math.max(...c)));
      const x = (t) => left + t * (W - left - 8), y = (v) => H - bottom - (v / top) * (H - bottom - 10);
      const line = (x1, y1, x2, y2, more) => element("line", { x1, y1, x2, y2, stroke: "currentColor", ...more });
      const parts = [line(left, y(0), W - 8, y(0)), line(left, y(0), left, 8),
        line(x(0), y(0), x(1), y(1), { stroke: "#8A8A8A", "stroke-dasharray": "2 4" })];
      curves.forEach((curve, i) => {
        const points = curve.map((v, s) => `${x(s / (STEPS - 1))},${y(v)}`).join(" ");
        const weight = (i + 1) / curves.length;
        parts.push(element("polyline", { points, fill: "none", stroke: "#0072B2", "stroke-opacity": 0.25 + 0.75 * weight, "stroke-width": 1 + 1.6 * weight }));
      });
      const odds = this.odds.map((v, s) => `${x(s / (STEPS - 1))},${y(v)}`).join(" ");
      parts.push(element("polyline", { points: odds, fill: "none", stroke: "#009E73", "stroke-width": 2, "stroke-dasharray": "7 4" }));
      parts.push(line(x(k / (STEPS - 1)), y(0), x(k / (STEPS - 1)), 8, { stroke: "#D55E00" }));
      parts.push(element("text", { x: W / 2, y: H - 4 }, "α"), element("text", { x: 4, y: y(1) + 4 }, "1"), element("text", { x: 4, y: y(0) }, "0"));
      this.find("curves").setAttribute("viewBox", `0 0 ${W} ${H}`);
      this.find("curves").replaceChildren(...parts);
      this.bars(predictions[k], k / (STEPS - 1));
      this.say(k);
    }

    bars(p, alpha) {
      const net = this.nets[this.find("net").value], svg = this.find("bars"), W = 360, H = 250, row = H / SHOWN;
      const order = [...p.keys()].sort((i, j) => p[j] - p[i]).slice(0, SHOWN);
      this.find("at").textContent = `What the model expects next at α = ${alpha.toFixed(2)}`;
      svg.setAttribute("viewBox", `0 0 ${W} ${H}`);
      svg.replaceChildren(...order.flatMap((id, i) => [
        element("rect", { x: 110, y: i * row + 8, width: Math.max(1, 200 * p[id]), height: row - 16, fill: "#0072B2" }),
        element("text", { x: 102, y: i * row + row / 2 + 4, "text-anchor": "end" }, net.vocabulary[id]),
        element("text", { x: 116 + Math.max(1, 200 * p[id]), y: i * row + row / 2 + 4 }, p[id].toFixed(2)),
      ]));
    }

    say(k) {
      const { curves } = this.result, last = curves[curves.length - 1];
      const slopes = last.slice(1).map((v, s) => Math.abs(v - last[s]) * (STEPS - 1));
      const steepest = slopes.reduce((p, q) => Math.max(p, q)), where = (slopes.indexOf(steepest) + 0.5) / (STEPS - 1);
      this.find("said").textContent =
        `After the last block the output has gone ${(100 * last[k]).toFixed(0)}% of its way at α = ${(k / (STEPS - 1)).toFixed(2)}. ` +
        `It moves fastest, ${steepest.toFixed(1)} times as fast as evenly, near α = ${where.toFixed(2)}.`;
      const f = (name) => encodeURIComponent(this.find(name).value.trim());
      history.replaceState(null, "", `#prompt?context=${f("context")}&a=${f("a")}&b=${f("b")}&from=${f("from")}&alpha=${k}`);
    }
  }

  function begin() {
    for (const root of document.querySelectorAll(".plateau-explorer[data-explorer='prompt']")) {
      root.hidden = false;
      window.plateauPrompt = new Prompt(root);
    }
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
