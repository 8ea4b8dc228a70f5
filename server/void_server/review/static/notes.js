"use strict";
// Notes and decisions: kept by the server beside the results, or by this browser where no server stands behind
// the page. Texts of people go into the page as text, never as markup.

window.voidReview = { data: null, details: new Map(), waiting: new Map() };

(() => {
  const own = window.voidReview;
  const columns = ["shot", "version", "decision", "reason", "frame", "left", "top", "right", "bottom", "text", "author", "time"];
  const empty = () => ({ review_version: 1, revision: 0, decision: "", reason: "", notes: [] });
  const place = (version) => `void-review:${version.result}`;

  /** Reads verdicts and notes of a shot, which lie in a script of their own. */
  own.load = (shot) => {
    const fresh = own.data.server;
    if (own.details.has(shot.key) && !fresh) return Promise.resolve(own.details.get(shot.key));
    return new Promise((resolve, reject) => {
      own.waiting.set(shot.key, [...own.waiting.get(shot.key) ?? [], resolve]);
      const script = document.createElement("script");
      script.src = `shots/${encodeURIComponent(shot.key)}/shot.js${fresh ? `?${Date.now()}` : ""}`;
      script.onerror = () => reject(new Error(`the notes and verdicts of ${shot.name} cannot be read`));
      script.onload = () => script.remove();
      document.head.append(script);
    });
  };

  own.shot = (details) => {
    own.details.set(details.key, details);
    for (const heard of own.waiting.get(details.key) ?? []) heard(details);
    own.waiting.delete(details.key);
  };

  own.reviewOf = (shot, version) => {
    if (!own.data.server) {
      try {
        const kept = JSON.parse(localStorage.getItem(place(version)));
        if (kept) return kept;
      } catch { /* The browser keeps nothing, or something else. */ }
    }
    return own.details.get(shot.key)?.versions[version.key]?.review || empty();
  };

  /** Keeps what was said of a version, and gives what is known now; it says why where that is something else. */
  own.keep = async (shot, version, review) => {
    let kept = review, problem = "";
    if (own.data.server) {
      const answer = await fetch(`review/${encodeURIComponent(shot.key)}/${encodeURIComponent(version.key)}`, {
        method: "POST", headers: { "X-Void-Review": "1", "Content-Type": "application/json" }, body: JSON.stringify(review),
      });
      if (!answer.ok && answer.status !== 409) throw new Error(await answer.text());
      const said = await answer.json();
      kept = said.review || review;
      problem = said.problem || "";
    } else {
      for (const note of kept.notes) note.time ||= new Date().toISOString();
      localStorage.setItem(place(version), JSON.stringify(kept));
    }
    const details = own.details.get(shot.key);
    if (details) details.versions[version.key].review = kept;
    version.decision = kept.decision;
    return { review: kept, problem };
  };

  const all = async () => {
    const rows = [];
    for (const shot of own.data.shots) {
      await own.load(shot);
      for (const version of shot.versions) {
        const review = own.reviewOf(shot, version);
        if (review.decision || review.notes.length) rows.push({ shot: shot.name, version: version.label, result: version.result, ...review });
      }
    }
    return rows;
  };

  const save = (name, text, type) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  const cell = (value) => {
    let text = String(value ?? "");
    if (/^[=+\-@\t\r]/.test(text)) text = `'${text}`; // no spreadsheet takes it for a formula
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };

  own.exportCsv = async () => {
    const lines = [columns.join(",")];
    for (const one of await all()) {
      const head = [one.shot, one.version, one.decision, one.reason];
      for (const note of one.notes.length ? one.notes : [{}]) {
        const box = note.box ? note.box.map((edge) => edge.toFixed(4)) : ["", "", "", ""];
        lines.push([...head, note.frame, ...box, note.text, note.author, note.time].map(cell).join(","));
      }
    }
    save("review.csv", `${lines.join("\n")}\n`, "text/csv");
  };
  own.exportJson = async () => save("review.json", `${JSON.stringify(await all(), null, 1)}\n`, "application/json");
})();
