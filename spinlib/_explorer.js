// An explorer of spinlib: sliders, curves drawn as SVG, numbers. Everything it needs is in the page.
window.spinlibExplorer ??= (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const DIGITS = 7;

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const draw = (tag, attributes = {}, text = "") => {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.textContent = text;
    return element;
  };

  // A number as text: few digits on axes, seven as a result; a minus sign and powers of ten as in print.
  const plain = (value, digits) => {
    if (value === null || !Number.isFinite(value)) return "–";
    const size = Math.abs(value);
    const text = size && (size < 1e-3 || size >= 1e6) ? value.toExponential(digits - 1) : value.toPrecision(digits);
    const [mantissa, power] = text.split("e");
    const short = digits < DIGITS && mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
    const raised = power && [...String(Number(power))].map((c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]).join("");
    return (raised ? `${short} × 10${raised}` : short).replace("-", "−");
  };

  // Round places inside an interval, about as many as asked for.
  const ticks = (low, high, count, logarithmic) => {
    if (logarithmic) {
      const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
      const step = Math.max(1, Math.ceil((last - first) / count));
      const decades = [];
      for (let power = first; power <= last; power += step) decades.push(10 ** power);
      if (decades.length > 1) return decades;
    }
    const rough = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].map((part) => part * power).find((part) => part >= rough);
    const places = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) places.push(k * step);
    return places.map((place) => Number(place.toPrecision(12)));
  };

  return (state, curves, readouts) => {
    const box = document.getElementById(state.name);
    const all = [...state.sliders, state.x];
    const index = new Map(all.map((slider) => [slider.name, slider.values.indexOf(slider.start)]));
    const value = (slider) => slider.values[index.get(slider.name)];
    const now = () => Object.fromEntries(all.map((slider) => [slider.name, value(slider)]));

    // Where the sliders stand, as the place in a flat table.
    const place = () => state.sliders.reduce((at, slider) => at * slider.values.length + index.get(slider.name), 0);
    const readout = (form) => (typeof form === "function" ? form(now()) : form[place()]);
    const curve = (form) => {
      const { values, name } = state.x;
      const at = now();
      if (typeof form === "function") return values.map((x) => form({ ...at, [name]: x }));
      return form.slice(place() * values.length, (place() + 1) * values.length);
    };

    // --- the box -------------------------------------------------------------------------------------------------
    const sets = new Map();
    const controls = make("div", { class: "explorer-controls" });
    for (const slider of all) {
      const id = `${state.name}-${slider.name}`;
      const shown = make("span", { class: "explorer-value", "aria-hidden": "true" });
      const input = make("input", { type: "range", id, min: 0, max: slider.values.length - 1, step: 1 });
      const set = (position) => {
        index.set(slider.name, position);
        input.value = position;
        input.dataset.value = value(slider);
        const text = `${plain(value(slider), 4)}${slider.unit && ` ${slider.unit}`}`;
        shown.textContent = text;
        input.setAttribute("aria-valuetext", text);
      };
      input.addEventListener("input", () => {
        set(Number(input.value));
        update();
      });
      sets.set(slider.name, set);
      controls.append(make("div", {}, make("label", { for: id }, slider.label), shown, input));
    }
    const reset = make("button", { type: "button" }, "Reset");
    reset.addEventListener("click", () => {
      for (const slider of all) sets.get(slider.name)(slider.values.indexOf(slider.start));
      update();
    });

    const results = make("dl");
    const cells = new Map();
    const row = (label, mark, unit) => {
      const cell = make("output", { "data-label": label, for: all.map((s) => `${state.name}-${s.name}`).join(" ") });
      cells.set(label, cell);
      const term = make("dt");
      if (mark !== null) {
        const key = draw("svg", { class: "explorer-key", viewBox: "0 0 30 8", "aria-hidden": "true" });
        key.append(draw("line", { x1: 0, x2: 30, y1: 4, y2: 4, class: `explorer-line-${mark}` }));
        term.append(key);
      }
      term.append(label);
      results.append(make("div", {}, term, make("dd", {}, cell, unit)));
    };
    curves.forEach(([label], number) => row(label, number, ""));
    for (const [label] of readouts) row(label, null, "");

    const plot = make("div", { class: "explorer-plot" });
    const title = make("p", { class: "explorer-title" }, state.title);
    box.replaceChildren(title, plot, results, controls, reset);

    // --- the plot ------------------------------------------------------------------------------------------------
    const paint = (lines) => {
      const width = Math.max(plot.clientWidth, 240);
      const height = Math.round(Math.min(340, Math.max(230, 0.6 * width)));
      const [left, right, top, bottom] = [58, 12, 30, 44];
      const { values: xs, logarithmic } = state.x;
      const finite = lines.flat().filter((y) => y !== null && Number.isFinite(y));
      let [low, high] = state.range ?? [Math.min(...finite), Math.max(...finite)];
      if (!state.range) {
        if (!finite.length) [low, high] = [0, 1];
        const room = 0.05 * (high - low) || Math.abs(high) || 1;
        [low, high] = [low === 0 && high > 0 ? 0 : low - room, high === 0 && low < 0 ? 0 : high + room];
      }
      const scale = logarithmic ? Math.log : (x) => x;
      const [from, to] = [scale(xs[0]), scale(xs.at(-1))];
      const X = (x) => left + ((scale(x) - from) / (to - from)) * (width - left - right);
      const Y = (y) => top + ((high - y) / (high - low)) * (height - top - bottom);

      const name = `${state.title}. ${curves.map(([label]) => label).join(", ")} against ${state.x.label}.`;
      const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name });
      const grid = draw("g", { class: "explorer-grid" });
      const text = draw("g", { class: "explorer-text" });
      for (const x of ticks(xs[0], xs.at(-1), width < 420 ? 4 : 7, logarithmic)) {
        grid.append(draw("line", { x1: X(x), x2: X(x), y1: top, y2: height - bottom }));
        text.append(draw("text", { x: X(x), y: height - bottom + 18, "text-anchor": "middle" }, plain(x, 4)));
      }
      for (const y of ticks(low, high, 5)) {
        grid.append(draw("line", { x1: left, x2: width - right, y1: Y(y), y2: Y(y), class: y === 0 ? "zero" : "" }));
        text.append(draw("text", { x: left - 6, y: Y(y) + 4, "text-anchor": "end" }, plain(y, 3)));
      }
      const label = `${state.x.label}${state.x.unit && ` [${state.x.unit}]`}`;
      text.append(draw("text", { x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, label));
      text.append(draw("text", { x: 4, y: 16 }, state.y));

      const shapes = draw("g", { class: "explorer-lines" });
      const clip = (y) => Math.min(2 * high - low, Math.max(2 * low - high, y)); // far outside, a path misbehaves
      const cut = draw("clipPath", { id: `${state.name}-frame` });
      cut.append(draw("rect", { x: left, y: top - 2, width: width - left - right, height: height - top - bottom + 4 }));
      shapes.setAttribute("clip-path", `url(#${state.name}-frame)`);
      lines.forEach((ys, number) => {
        let d = "";
        ys.forEach((y, k) => {
          if (y === null || !Number.isFinite(y)) return;
          const begins = k === 0 || ys[k - 1] === null || !Number.isFinite(ys[k - 1]);
          d += `${begins ? "M" : "L"}${X(xs[k]).toFixed(2)},${Y(clip(y)).toFixed(2)}`;
        });
        shapes.append(draw("path", { d, class: `explorer-line-${number}` }));
      });
      const at = index.get(state.x.name);
      shapes.append(draw("line", { x1: X(xs[at]), x2: X(xs[at]), y1: top, y2: height - bottom, class: "explorer-cursor" }));
      lines.forEach((ys, number) => {
        if (ys[at] !== null && Number.isFinite(ys[at]))
          shapes.append(draw("circle", { cx: X(xs[at]), cy: Y(ys[at]), r: 4.5, class: `explorer-line-${number}` }));
      });
      svg.append(cut, grid, shapes, text);
      plot.replaceChildren(svg);
    };

    const update = () => {
      const lines = curves.map(([, form]) => curve(form));
      const at = index.get(state.x.name);
      curves.forEach(([label], k) => (cells.get(label).textContent = plain(lines[k][at], DIGITS)));
      for (const [label, form] of readouts) cells.get(label).textContent = plain(readout(form), DIGITS);
      paint(lines);
    };
    for (const slider of all) sets.get(slider.name)(index.get(slider.name));
    update();
    let drawn = plot.clientWidth;
    new ResizeObserver(() => {
      if (plot.clientWidth === drawn) return;
      drawn = plot.clientWidth;
      update();
    }).observe(plot);
  };
})();
