"use strict";
// The page: the list of shots, one shot, and what was said of it.

(() => {
  const own = window.voidReview, viewer = own.viewer;
  const at = (id) => document.getElementById(id);
  const words = { green: "good", amber: "worth a look", red: "at fault", "": "not checked" };
  const make = (tag, text, className) => { const node = document.createElement(tag); if (text) node.textContent = text; if (className) node.className = className; return node; };
  const say = (text) => { at("message").textContent = text; };
  const newest = (shot) => [...shot.versions].reverse().find((one) => one.frames.length) || shot.versions.at(-1);

  own.list = (data) => {
    own.data = data;
    at("view-name").textContent = `${data.shots.length} ${data.shots.length === 1 ? "shot" : "shots"}, shown through ${data.view}`;
    at("notes-where").textContent = data.server ? "Notes are kept beside the result." : "Notes stay in this browser: export them, or use void review --serve.";
    draw();
    addEventListener("hashchange", route);
    route();
  };

  // The list -------------------------------------------------------------------------------------------

  const draw = () => {
    const only = at("only").value, find = at("find").value.trim().toLowerCase();
    const cards = own.data.shots.filter((shot) => {
      const version = newest(shot);
      const kinds = [version?.status || "unchecked", version?.decision || "undecided"];
      return (!only || kinds.includes(only)) && shot.name.toLowerCase().includes(find);
    }).map((shot) => {
      const version = newest(shot), card = make("button", "", `card ${version?.status ?? ""}`), text = make("div");
      card.type = "button";
      card.dataset.key = shot.key;
      if (shot.thumbnail) { const image = new Image(); image.loading = "lazy"; image.alt = ""; image.src = shot.thumbnail; card.append(image); } else card.append(make("div", "no picture", "quiet"));
      text.append(make("strong", shot.name), make("span", `${version ? `${version.label}, ${version.engine}, ` : ""}${shot.first}-${shot.last}${version?.scale < 1 ? ", proxy" : ""}`, "quiet"), make("br"),
        make("span", version ? words[version.status] : "no result", `word-${version?.status}`), make("span", version?.decision ? ` · ${version.decision === "redo" ? "to redo" : "approved"}` : ""));
      card.title = version?.summary ?? "";
      card.append(text);
      card.addEventListener("click", () => { location.hash = encodeURIComponent(shot.key); });
      return card;
    });
    at("list").replaceChildren(...(cards.length ? cards : [make("p", "No shot is like that.", "quiet")]));
  };
  at("only").addEventListener("change", draw);
  at("find").addEventListener("input", draw);

  // One shot -------------------------------------------------------------------------------------------

  let review = null, routed = 0, keeping = Promise.resolve();
  const route = async () => {
    const mine = ++routed, [key, frame] = decodeURIComponent(location.hash.slice(1)).split("@");
    const shot = own.data.shots.find((one) => one.key === key);
    review = null; // nothing is said of a shot that is not shown yet
    at("list").hidden = Boolean(shot);
    at("shot").hidden = at("back").hidden = !shot;
    for (const id of ["find", "only"]) at(id).parentElement.hidden = Boolean(shot);
    at("title").textContent = shot ? shot.name : "Review";
    say("");
    if (!shot) { viewer.close(); draw(); return; }
    try {
      await own.load(shot);
      if (mine !== routed) return; // another shot was chosen meanwhile
      await viewer.open(shot);
      if (mine !== routed) return;
      own.versionChanged();
      if (frame) viewer.goTo(Number(frame));
      at("stage").focus();
    } catch (error) { if (mine === routed) say(error.message); }
  };
  at("back").addEventListener("click", () => { location.hash = ""; });

  own.versionChanged = () => {
    const shot = viewer.shot, version = viewer.version(), known = own.details.get(shot.key)?.versions[version?.key];
    review = version ? structuredClone(own.reviewOf(shot, version)) : null;
    at("version-name").textContent = version ? `${version.label}, ${version.engine}` : "(no result)";
    at("verdict-line").textContent = version?.summary ?? "";
    at("verdict-line").className = `word-${version?.status}`;
    say(known?.reviewProblem ?? "");
    drawFindings(known?.verdict);
    drawNotes();
    own.graph(shot, known?.verdict, (frame) => viewer.goTo(frame));
    viewer.drawStrip(known?.verdict);
    viewer.refresh();
  };

  const frameLink = (frame) => {
    const link = make("button", String(frame), "link");
    link.type = "button";
    link.addEventListener("click", () => viewer.goTo(frame));
    return link;
  };

  const drawFindings = (verdict) => {
    const items = (verdict?.findings ?? []).map((one) => {
      const item = make("li");
      item.append(frameLink(one.worst), ` ${one.text}; ${one.remedy}`);
      return item;
    });
    at("findings").replaceChildren(...(items.length ? items : [make("li", verdict ? "Nothing was found." : "Not checked yet: run void check.", "quiet")]));
  };

  const isSame = (one, other) => ["frame", "text", "author", "time"].every((name) => one[name] === other[name]);
  const drawNotes = () => {
    at("approve").setAttribute("aria-pressed", review?.decision === "approved");
    at("redo").setAttribute("aria-pressed", review?.decision === "redo");
    at("reason").value = review?.reason ?? "";
    at("notes").replaceChildren(...(review?.notes ?? []).map((note) => {
      const item = make("li"), remove = make("button", "remove", "link");
      remove.type = "button";
      remove.setAttribute("aria-label", `Remove the note on ${note.frame}`);
      remove.addEventListener("click", () => change((changed) => { changed.notes = changed.notes.filter((one) => !isSame(one, note)); }));
      item.append(frameLink(note.frame), ` ${note.text} `, make("span", [note.author, note.time?.slice(0, 16).replace("T", " ")].filter(Boolean).join(", "), "quiet"), " ", remove);
      return item;
    }));
    own.showBoxes();
  };

  /** Changes what is said of the version that is shown, one change after the other, since each is made on what
   * the last one has left. Says whether it was kept. */
  const change = (edit) => {
    const shot = viewer.shot, version = viewer.version();
    if (!version || !review) return Promise.resolve(false);
    keeping = keeping.then(async () => {
      const changed = structuredClone(own.reviewOf(shot, version));
      edit(changed);
      try {
        const said = await own.keep(shot, version, changed);
        if (viewer.shot === shot && viewer.version() === version) { review = structuredClone(said.review); drawNotes(); }
        say(said.problem);
        return !said.problem;
      } catch (error) { say(`The notes could not be kept: ${error.message}`); return false; }
    });
    return keeping;
  };

  const decide = (decision) => { const reason = at("reason").value; change((changed) => { changed.decision = changed.decision === decision ? "" : decision; changed.reason = reason; }); };
  at("approve").addEventListener("click", () => decide("approved"));
  at("redo").addEventListener("click", () => decide("redo"));
  at("reason").addEventListener("change", () => { const reason = at("reason").value; change((changed) => { changed.reason = reason; }); });
  at("note-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = at("note-text").value.trim(), { frame, box } = viewer;
    if (!text) { at("note-text").focus(); return; }
    const isKept = await change((changed) => { changed.notes.push({ frame, text, box }); changed.notes.sort((a, b) => a.frame - b.frame); });
    if (!isKept) return; // what was written stays, to be added again
    at("note-text").value = "";
    viewer.box = null;
    own.showBoxes();
  });

  // The server makes a matte of what is marked: a box, or a click where hardly anything was dragged.
  const followMatte = async (shot) => {
    for (;;) {
      const answer = await fetch(`matte/${encodeURIComponent(shot.key)}`);
      if (!answer.ok || viewer.shot !== shot) return;
      const { said } = await answer.json();
      at("matte-said").textContent = said;
      if (!said.startsWith("the matte was asked for")) return;
      await new Promise((resolve) => { setTimeout(resolve, 1000); });
    }
  };
  at("make-matte").addEventListener("click", async () => {
    const shot = viewer.shot;
    if (!viewer.box) { say("Shift and drag in the picture around the object, or shift and click on it, then make its matte."); return; }
    try {
      const answer = await fetch(`matte/${encodeURIComponent(shot.key)}`, {
        method: "POST", headers: { "X-Void-Review": "1", "Content-Type": "application/json" }, body: JSON.stringify({ frame: viewer.frame, box: viewer.box }),
      });
      if (!answer.ok) throw new Error(await answer.text());
      viewer.box = null;
      own.showBoxes();
      say("");
      await followMatte(shot);
    } catch (error) { say(`There is no matte: ${error.message}`); }
  });

  own.showBoxes = () => {
    at("make-matte").hidden = !own.data.server;
    const boxes = (review?.notes ?? []).filter((note) => note.frame === viewer.frame && note.box).map((note) => note.box);
    if (viewer.box) boxes.push(viewer.box);
    at("note-box").textContent = viewer.box ? "A place is marked for this note." : "Shift and drag in the picture to mark a place.";
    for (const sheet of document.querySelectorAll(".sheet")) {
      for (const old of sheet.querySelectorAll(".box")) old.remove();
      for (const [left, top, right, bottom] of boxes) {
        const mark = make("div", "", "box");
        Object.assign(mark.style, { left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 * (right - left)}%`, height: `${100 * (bottom - top)}%`, borderWidth: `${2 / viewer.scale}px` });
        sheet.append(mark);
      }
    }
  };

  at("export-csv").addEventListener("click", () => own.exportCsv().catch((error) => say(error.message)));
  at("export-json").addEventListener("click", () => own.exportJson().catch((error) => say(error.message)));

  // Keys -----------------------------------------------------------------------------------------------

  const step = (by) => {
    const shots = own.data.shots, next = shots[shots.indexOf(viewer.shot) + by];
    if (next) location.hash = encodeURIComponent(next.key);
  };
  own.keys.push(["Up, Down", "the shot before, after", { ArrowUp: () => step(-1), ArrowDown: () => step(1), PageUp: () => step(-1), PageDown: () => step(1) }],
    ["N", "write a note", { n: () => at("note-text").focus() }], ["Esc", "back to all shots", { Escape: () => { location.hash = ""; } }], ["?", "these keys", { "?": () => at("help").showModal() }]);
  at("keys").append(...own.keys.map(([keys, what]) => { const row = make("tr"); row.append(make("th", keys), make("td", what)); return row; }));
  at("help-button").addEventListener("click", () => at("help").showModal());
  const actions = Object.assign({}, ...own.keys.map((one) => one[2]));
  addEventListener("keydown", (event) => {
    if (!viewer.shot || event.ctrlKey || event.metaKey || event.altKey || at("help").open) return;
    const inText = event.target.matches("textarea, input[type=search], select, input[type=range]");
    if (inText) { if (event.key === "Escape") at("stage").focus(); return; }
    if (event.key === " " && event.target.matches("button")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.target.id === "wipe" && ["ArrowLeft", "ArrowRight"].includes(key)) { actions[key === "ArrowLeft" ? "[" : "]"](); event.preventDefault(); return; }
    if (actions[key]) { event.preventDefault(); actions[key](); }
  });
})();
