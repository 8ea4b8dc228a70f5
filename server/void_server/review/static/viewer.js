"use strict";
// The viewer of one shot: two sources, ways to compare them, overlays, zoom to the pixel, and playing.

(() => {
  const own = window.voidReview;
  const at = (id) => document.getElementById(id);
  const modes = [["a", "A", "1"], ["b", "B", "2"], ["side", "Side by side", "3"], ["wipe", "Wipe", "4"], ["difference", "Difference", "5"], ["flicker", "Flicker", "6"]];
  const channels = [["", "RGB", ""], ["r", "R", "R"], ["g", "G", "G"], ["b", "B", "B"], ["y", "Luma", "Y"]];
  const state = { shot: null, frame: 0, mode: "b", channel: "", matte: false, confidence: false, exposure: 0, gamma: 1, gain: 8,
    direction: 1, wipe: 0.5, scale: 1, x: 0, y: 0, fitted: true, playing: false, shownB: true, sources: { a: "plate", b: "plate" }, box: null };
  const cache = new Map();
  const mostCached = 160;
  let generation = 0, turn = 0;

  own.viewer = state;
  state.version = () => state.shot.versions.find((one) => one.key === state.sources.b) || state.shot.versions.find((one) => one.key === state.sources.a) || state.shot.versions.at(-1) || null;

  // Pictures -------------------------------------------------------------------------------------------

  const url = (source, kind, frame) => {
    const version = state.shot.versions.find((one) => one.key === source);
    if (source === "plate" ? kind !== "picture" : !version?.frames.includes(frame)) return "";
    const base = `shots/${encodeURIComponent(state.shot.key)}`;
    const path = source === "plate" ? `${base}/plate/${frame}.png` : `${base}/${encodeURIComponent(source)}/${kind === "picture" ? "result" : kind}/${frame}.png`;
    const changed = kind === "picture" && own.data.server && (state.exposure || state.gamma !== 1);
    return changed ? `${path}?exposure=${state.exposure}&gamma=${state.gamma}` : path;
  };

  const loaded = (address) => {
    if (!address) return Promise.resolve(null);
    let image = cache.get(address);
    if (!image) {
      image = new Image();
      image.src = address;
      image.ready = image.decode().then(() => image, () => null);
      cache.set(address, image);
      while (cache.size > mostCached) cache.delete(cache.keys().next().value);
    }
    return image.ready;
  };

  const overlaySource = () => state.version()?.key;
  const wanted = (frame) => {
    const addresses = ["a", "b"].map((pane) => url(state.sources[pane], "picture", frame));
    const over = overlaySource();
    addresses.push(state.matte && over ? url(over, "matte", frame) : "", state.confidence && over ? url(over, "confidence", frame) : "");
    return addresses;
  };

  const ahead = () => {
    for (let step = 1; step <= 6; step += 1) {
      const frame = state.frame + state.direction * step;
      if (frame >= state.shot.first && frame <= state.shot.last) wanted(frame).forEach(loaded);
    }
  };

  const show = async () => {
    const mine = ++generation;
    const images = await Promise.all(wanted(state.frame).map(loaded));
    if (mine !== generation) return false;
    for (const [index, pane] of ["a", "b"].entries()) {
      const sheet = at(`pane-${pane}`).querySelector(".sheet");
      [images[index], images[2], images[3]].forEach((image, layer) => {
        const shown = sheet.children[layer];
        shown.hidden = !image;
        if (image && shown.src !== image.src) shown.src = image.src;
      });
      const source = state.sources[pane] === "plate" ? "plate" : `result ${state.shot.versions.find((one) => one.key === state.sources[pane])?.label ?? ""}`;
      at(`pane-${pane}`).querySelector(".label").textContent = images[index] ? source : `${source}: no such frame`;
    }
    return true;
  };

  // What is seen of them -------------------------------------------------------------------------------

  const lightTable = () => {
    const grey = own.data.greyLight;
    const code = (light) => {
      let low = 0, high = 255;
      while (low < high) { const middle = (low + high) >> 1; if (grey[middle] < light) low = middle + 1; else high = middle; }
      if (low === 0 || grey[low] <= light) return low / 255;
      return (low - 1 + (light - grey[low - 1]) / Math.max(1e-9, grey[low] - grey[low - 1])) / 255;
    };
    return grey.map((light) => code((light * 2 ** state.exposure) ** (1 / state.gamma)).toFixed(4)).join(" ");
  };

  const paint = () => {
    const stage = at("stage"), single = ["a", "b", "flicker"].includes(state.mode);
    stage.className = state.mode === "side" ? "beside" : `over${single ? " single" : ""}${state.mode === "difference" ? " difference" : ""}`;
    stage.style.filter = state.mode === "difference" ? `brightness(${state.gain})` : "";
    const shown = { a: true, b: true };
    if (state.mode === "a") shown.b = false;
    if (state.mode === "b") shown.a = false;
    if (state.mode === "flicker") { shown.a = !state.shownB; shown.b = state.shownB; }
    at("pane-a").style.visibility = shown.a ? "" : "hidden";
    at("pane-b").style.visibility = shown.b ? "" : "hidden";
    at("pane-b").style.clipPath = state.mode === "wipe" ? `inset(0 0 0 ${100 * state.wipe}%)` : "";
    at("wipe").hidden = state.mode !== "wipe";
    at("wipe").style.left = `${100 * state.wipe}%`;
    at("wipe").setAttribute("aria-valuenow", Math.round(100 * state.wipe));
    const changed = state.exposure !== 0 || state.gamma !== 1;
    if (changed && !own.data.server) {
      const table = lightTable();
      for (const part of document.querySelectorAll("#light feFuncR, #light feFuncG, #light feFuncB")) part.setAttribute("tableValues", table);
    }
    at("approximate").hidden = !changed || own.data.server;
    const filter = `${changed && !own.data.server ? "url(#light) " : ""}${state.channel ? `url(#channel-${state.channel})` : ""}`;
    for (const image of document.querySelectorAll(".sheet .picture")) image.style.filter = filter;
    at("gain-label").hidden = state.mode !== "difference";
    for (const button of document.querySelectorAll("#modes button")) button.setAttribute("aria-pressed", button.value === state.mode);
    for (const button of document.querySelectorAll("#channels button")) button.setAttribute("aria-pressed", button.value === state.channel);
    at("matte").setAttribute("aria-pressed", state.matte);
    at("confidence").setAttribute("aria-pressed", state.confidence);
    for (const name of ["exposure", "gamma", "gain"]) { at(name).value = state[name]; at(`${name}-value`).textContent = state[name]; }
    place();
  };

  const paneSize = () => { const box = at("pane-b").getBoundingClientRect(); return [box.width, box.height]; };
  const place = () => {
    const shot = state.shot, [width, height] = paneSize();
    if (state.fitted) {
      state.scale = Math.min(width / shot.picture_width, height / shot.picture_height);
      state.x = (width - state.scale * shot.picture_width) / 2;
      state.y = (height - state.scale * shot.picture_height) / 2;
    }
    // At whole scales pixels lie on the screen's own, or the browser would mix neighbours.
    const whole = Number.isInteger(state.scale), onScreen = (value, origin) => (whole ? Math.round(value + origin) - origin : value);
    for (const sheet of document.querySelectorAll(".sheet")) {
      const origin = sheet.parentElement.getBoundingClientRect(), x = onScreen(state.x, origin.left), y = onScreen(state.y, origin.top);
      sheet.style.width = `${shot.picture_width}px`;
      sheet.style.height = `${shot.picture_height}px`;
      sheet.style.transform = `translate(${x}px, ${y}px) scale(${state.scale})`;
      sheet.classList.toggle("pixels", state.scale >= 2);
    }
    at("zoom").textContent = `${Math.round(100 * state.scale)} %`;
  };

  const zoom = (factor, left, top) => {
    const [width, height] = paneSize(), x = left ?? width / 2, y = top ?? height / 2;
    let scale = Math.min(64, Math.max(0.02, state.scale * factor));
    if (Math.abs(scale - Math.round(scale)) < 1e-6) scale = Math.round(scale);
    const ratio = scale / state.scale;
    Object.assign(state, { fitted: false, x: x - ratio * (x - state.x), y: y - ratio * (y - state.y), scale });
    place();
  };

  // Frames and playing ---------------------------------------------------------------------------------

  state.goTo = (frame, quietly = false) => {
    state.frame = Math.min(state.shot.last, Math.max(state.shot.first, Math.round(frame)));
    at("frame").textContent = state.frame;
    const strip = at("strip"), mark = strip.querySelector("b");
    if (mark) mark.style.left = `${(100 * (state.frame - state.shot.first + 0.5)) / (state.shot.last - state.shot.first + 1)}%`;
    strip.setAttribute("aria-valuenow", state.frame);
    strip.setAttribute("aria-valuetext", strip.children[state.frame - state.shot.first]?.title ?? state.frame);
    at("note-frame").textContent = state.frame;
    own.showBoxes();
    if (!quietly) own.graphFrame(state.shot, state.frame);
    ahead();
    return show();
  };

  const stop = () => {
    state.playing = false;
    at("play").textContent = "Play";
    own.graphFrame(state.shot, state.frame);
  };
  /** The frame after one in the direction of play, round and round. */
  const following = (frame, { first, last }) => {
    if (state.direction > 0) return frame >= last ? first : frame + 1;
    return frame <= first ? last : frame - 1;
  };
  const play = async (direction) => {
    state.direction = direction;
    if (state.playing) return;
    state.playing = true;
    at("play").textContent = "Stop";
    const shot = state.shot, mine = ++turn;
    let next = performance.now(), counted = 0, since = next;
    while (state.playing && mine === turn && state.shot === shot) {
      await state.goTo(following(state.frame, shot), true);
      counted += 1;
      next = Math.max(next + 1000 / shot.fps, performance.now() - 200);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())));
      const now = performance.now();
      if (now - since > 1000) { at("rate").textContent = `${((1000 * counted) / (now - since)).toFixed(1)} of ${shot.fps} fps`; counted = 0; since = now; }
    }
  };
  const playOrStop = () => (state.playing ? stop() : play(1));

  state.setMode = (mode) => {
    const [width, height] = paneSize();
    Object.assign(state, { mode, shownB: true });
    paint();
    // What was in the middle stays there, also where side by side the panes are narrower.
    const [newWidth, newHeight] = paneSize();
    if (!state.fitted) { state.x += (newWidth - width) / 2; state.y += (newHeight - height) / 2; place(); }
  };
  const set = (name, value) => { state[name] = value; paint(); show(); };
  /** Moves a slider by a step, and as far as it goes. */
  const adjust = (name, by) => { const slider = at(name); slider.value = state[name] + by; set(name, Number(slider.value)); };
  setInterval(() => { if (state.shot && state.mode === "flicker") { state.shownB = !state.shownB; paint(); } }, 350);

  // The shot -------------------------------------------------------------------------------------------

  state.open = (shot) => {
    if (state.playing) stop();
    const newest = [...shot.versions].reverse().find((one) => one.frames.length) || shot.versions.at(-1);
    Object.assign(state, { shot, fitted: true, exposure: 0, gamma: 1, box: null, sources: { a: "plate", b: newest?.key ?? "plate" } });
    cache.clear();
    for (const [pane, select] of [["a", at("source-a")], ["b", at("source-b")]]) {
      select.replaceChildren(new Option("plate", "plate"), ...shot.versions.map((one) => new Option(`result ${one.label}${one.scale < 1 ? " (proxy)" : ""}`, one.key)));
      select.value = state.sources[pane];
    }
    at("rate").textContent = `${shot.fps} fps`;
    const strip = at("strip");
    strip.setAttribute("aria-valuemin", shot.first);
    strip.setAttribute("aria-valuemax", shot.last);
    paint();
    return state.goTo(newest?.frames.length ? newest.frames[0] : shot.first);
  };
  state.refresh = () => { paint(); return show(); };
  state.close = () => { if (state.playing) stop(); state.shot = null; };

  state.drawStrip = (verdict) => {
    const by = new Map((verdict?.frames ?? []).map((one) => [one.frame, one]));
    const there = new Set(state.version()?.frames ?? []);
    const marks = [];
    for (let frame = state.shot.first; frame <= state.shot.last; frame += 1) {
      const mark = document.createElement("i"), one = by.get(frame);
      mark.className = there.has(frame) ? one?.status ?? "" : "absent";
      mark.title = `${frame}${one?.flags.length ? `: ${one.flags.join(", ")}` : there.has(frame) ? "" : ": not there"}`;
      marks.push(mark);
    }
    at("strip").replaceChildren(...marks, document.createElement("b"));
    state.goTo(state.frame);
  };

  // Hands ----------------------------------------------------------------------------------------------

  const buttons = (holder, list, press) => {
    for (const [value, text, key] of list) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", value, textContent: text, title: key });
      button.addEventListener("click", () => press(value));
      at(holder).append(button);
    }
  };
  buttons("modes", modes, state.setMode);
  buttons("channels", channels, (value) => set("channel", value));
  for (const pane of ["a", "b"]) {
    const sheet = document.createElement("div"), label = document.createElement("span");
    sheet.className = "sheet";
    for (const kind of ["picture", "overlay", "overlay"]) { const image = new Image(); image.className = kind; image.alt = ""; image.draggable = false; image.hidden = true; sheet.append(image); }
    label.className = "label";
    at(`pane-${pane}`).append(sheet, label);
    at(`source-${pane}`).addEventListener("change", (event) => { state.sources[pane] = event.target.value; own.versionChanged(); });
  }
  at("matte").addEventListener("click", () => set("matte", !state.matte));
  at("confidence").addEventListener("click", () => set("confidence", !state.confidence));
  for (const name of ["exposure", "gamma", "gain"]) at(name).addEventListener("input", (event) => set(name, Number(event.target.value)));
  at("fit").addEventListener("click", () => { state.fitted = true; place(); });
  at("play").addEventListener("click", playOrStop);
  at("first").addEventListener("click", () => state.goTo(state.shot.first));
  at("last").addEventListener("click", () => state.goTo(state.shot.last));
  at("previous").addEventListener("click", () => state.goTo(state.frame - 1));
  at("next").addEventListener("click", () => state.goTo(state.frame + 1));
  new ResizeObserver(() => state.shot && place()).observe(at("stage"));

  const stage = at("stage");
  const inPane = (event) => { const box = (event.target.closest?.(".pane") || at("pane-b")).getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  stage.addEventListener("wheel", (event) => { event.preventDefault(); zoom(1.0015 ** -event.deltaY, ...inPane(event)); }, { passive: false });
  stage.addEventListener("pointerdown", (event) => {
    if (event.button > 1) return;
    const wiping = event.target === at("wipe"), start = inPane(event), from = [state.x, state.y], marking = event.shiftKey && !wiping;
    if (marking) state.box = null;
    stage.setPointerCapture(event.pointerId);
    const shareOf = ([x, y]) => [(x - from[0]) / state.scale / state.shot.picture_width, (y - from[1]) / state.scale / state.shot.picture_height].map((value) => Math.min(1, Math.max(0, value)));
    const origin = (event.target.closest?.(".pane") || at("pane-b")).getBoundingClientRect();
    const move = (moved) => {
      const now = [moved.clientX - origin.left, moved.clientY - origin.top];
      if (wiping) { const whole = stage.getBoundingClientRect(); state.wipe = Math.min(1, Math.max(0, (moved.clientX - whole.left) / whole.width)); paint(); }
      else if (marking) { const [a, b] = [shareOf(start), shareOf(now)]; state.box = [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])]; own.showBoxes(); }
      else { Object.assign(state, { fitted: false, x: from[0] + now[0] - start[0], y: from[1] + now[1] - start[1] }); place(); }
    };
    const end = () => {
      if (marking && !state.box) { const [x, y] = shareOf(start); state.box = [x, y, x, y]; own.showBoxes(); }
      for (const [kind, heard] of [["pointermove", move], ["pointerup", end], ["pointercancel", end]]) stage.removeEventListener(kind, heard);
    };
    stage.addEventListener("pointermove", move);
    stage.addEventListener("pointerup", end);
    stage.addEventListener("pointercancel", end);
  });
  at("strip").addEventListener("pointerdown", (event) => {
    const to = (moved) => { const box = at("strip").getBoundingClientRect(); state.goTo(state.shot.first + Math.floor(((moved.clientX - box.left) / box.width) * (state.shot.last - state.shot.first + 1))); };
    const end = () => { removeEventListener("pointermove", to); removeEventListener("pointerup", end); };
    to(event);
    addEventListener("pointermove", to);
    addEventListener("pointerup", end);
  });

  own.keys = [
    ["Left, Right", "one frame back, on", { ArrowLeft: () => state.goTo(state.frame - 1), ArrowRight: () => state.goTo(state.frame + 1) }],
    ["Home, End", "first, last frame", { Home: () => state.goTo(state.shot.first), End: () => state.goTo(state.shot.last) }],
    ["Space", "play, stop", { " ": playOrStop }],
    ["J, K, L", "play backwards, stop, play", { j: () => play(-1), k: () => state.playing && stop(), l: () => play(1) }],
    ["1 to 6", "A, B, side by side, wipe, difference, flicker", Object.fromEntries(modes.map(([mode, , key]) => [key, () => state.setMode(mode)]))],
    ["W, D, T", "wipe, difference, flicker", { w: () => state.setMode("wipe"), d: () => state.setMode("difference"), t: () => state.setMode("flicker") }],
    ["R, G, B, Y", "one channel, luminance; again for all", Object.fromEntries(channels.slice(1).map(([value, , key]) => [key.toLowerCase(), () => set("channel", state.channel === value ? "" : value)]))],
    [", and .", "a quarter of a stop darker, brighter", { ",": () => adjust("exposure", -0.25), ".": () => adjust("exposure", 0.25) }],
    ["( and )", "gamma down, up", { "(": () => adjust("gamma", -0.05), ")": () => adjust("gamma", 0.05) }],
    ["M, C", "matte, confidence", { m: () => set("matte", !state.matte), c: () => set("confidence", !state.confidence) }],
    ["[ and ]", "wipe to the left, right", { "[": () => { state.wipe = Math.max(0, state.wipe - 0.02); paint(); }, "]": () => { state.wipe = Math.min(1, state.wipe + 0.02); paint(); } }],
    ["F, Z, + and -", "fit, one to one, zoom", { f: () => { state.fitted = true; place(); }, z: () => zoom(1 / state.scale), "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5) }],
  ];
})();
