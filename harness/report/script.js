// What a reader can do with the page. Without this script the page is complete: nothing that it
// says depends on anything here, and every control below is made, or shown, by the script itself.
"use strict";
{
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  function element(tag, attributes = {}, text = "") {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.textContent = text;
    return made;
  }

  // What is said here, in the page's language.
  const words = JSON.parse(document.getElementById("words").textContent);
  const tell = (text, parts) => text.replace(/\{(\w+)\}/g, (whole, name) => parts[name] ?? whole);

  // A polite voice for screen readers: what has just been copied, sorted or chosen.
  const voice = element("p", { class: "voice", role: "status" });
  document.body.append(voice);
  const say = (text) => { voice.textContent = text; };

  // ---- Contents: the section being read is marked -------------------------------------------

  function markCurrentSection() {
    const links = all(".contents a");
    const targets = links.map((link) => document.getElementById(link.hash.slice(1)));
    let marked = null;
    const mark = () => {
      const line = innerHeight * 0.3;
      const passed = targets.filter((target) => target.getBoundingClientRect().top <= line);
      const atEnd = scrollY > 0 && scrollY + innerHeight >= document.body.scrollHeight - 2;
      const current = links[atEnd ? links.length - 1 : Math.max(passed.length - 1, 0)];
      if (current === marked || !current) return;
      marked?.removeAttribute("aria-current");
      current.setAttribute("aria-current", "true");
      marked = current;
      const list = current.closest("ol");
      list.scrollTo({ left: current.offsetLeft - list.clientWidth / 2 + current.offsetWidth / 2 });
    };
    let waiting = false;
    const later = () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; mark(); });
    };
    addEventListener("scroll", later, { passive: true });
    addEventListener("resize", later);
    mark();
  }

  // ---- Links into folded parts unfold them; paper shows all ---------------------------------

  function unfold() {
    const openTarget = () => {
      const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
      for (let part = target; part; part = part.parentElement) {
        if (part.tagName === "DETAILS") part.open = true;
      }
      if (target) target.scrollIntoView();
    };
    addEventListener("hashchange", openTarget);
    if (location.hash) openTarget();
    let folded = [];
    addEventListener("beforeprint", () => {
      folded = all("details:not([open])");
      for (const part of folded) part.open = true;
    });
    addEventListener("afterprint", () => { for (const part of folded) part.open = false; });
  }

  // ---- Tables: sorted by a column, numbers as numbers ---------------------------------------

  // What a cell is sorted by: a number, a text, or nothing ("not reached", "n/a", an empty cell).
  function sortKey(text) {
    const plain = text.trim().replace(/−/g, "-").replace(/,(?=\d{3})/g, "");
    const low = plain.toLowerCase();
    if (plain === "" || (words.none.some((start) => low.startsWith(start)) && !/^-\d/.test(low))) return null;
    const number = plain.match(/^[<>≥≤+]?\s*(-?\d+(\.\d+)?(e-?\d+)?)/i);
    return number ? Number(number[1]) : plain.toLowerCase();
  }

  // Numbers before texts; "< 0.001" before 0.001; what has no value is last whichever the order.
  function compareKeys(a, b, sign) {
    if (a === null || b === null) return (a === null) - (b === null);
    if (typeof a !== typeof b) return sign * (typeof a === "number" ? -1 : 1);
    return sign * (typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true }));
  }

  function makeSortable(table) {
    const body = table.tBodies[0];
    if (body.rows.length < 2) return;
    const given = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = element("button", { type: "button" }, head.textContent);
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const order = { none: "ascending", ascending: "descending", descending: "none" }[
          head.getAttribute("aria-sort") ?? "none"];
        for (const other of heads) other.removeAttribute("aria-sort");
        if (order !== "none") head.setAttribute("aria-sort", order);
        const sign = order === "descending" ? -1 : 1;
        const keyed = given.map((row) => [sortKey(row.cells[column].textContent), row]);
        if (order !== "none") keyed.sort(([a], [b]) => compareKeys(a, b, sign));
        body.append(...keyed.map(([, row]) => row));
        say(order === "none" ? words.original : tell(words[order], { column: button.textContent }));
      });
    });
  }

  // ---- Arms: the chosen stand out in every figure, table and card ---------------------------

  const chosen = new Set();

  function dimOthers() {
    for (const part of all("[data-arm]")) {
      const own = part.dataset.arm.split(" ");
      part.classList.toggle("dimmed", chosen.size > 0 && !own.some((arm) => chosen.has(arm)));
    }
    for (const button of all(".legend button")) {
      button.setAttribute("aria-pressed", String(chosen.has(button.closest("li").dataset.arm)));
    }
  }

  function makeFilter() {
    for (const item of all(".legend li")) {
      const button = element("button", { type: "button", "aria-pressed": "false" });
      button.append(...item.childNodes);
      item.append(button);
      button.addEventListener("click", () => {
        const arm = item.dataset.arm;
        if (!chosen.delete(arm)) chosen.add(arm);
        dimOthers();
        say(chosen.size ? tell(words.chosen, { n: chosen.size }) : words.alike);
      });
    }
    addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !chosen.size) return;
      chosen.clear();
      dimOthers();
      say(words.alike);
    });
  }

  // ---- A verdict as Markdown ----------------------------------------------------------------

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch { // pages opened from a file may have no clipboard of their own
      const field = element("textarea", { class: "voice" });
      field.value = text;
      document.body.append(field);
      field.select();
      const done = document.execCommand("copy");
      field.remove();
      if (!done) throw new Error("the browser refuses to copy");
    }
  }

  function makeCopying() {
    for (const button of all("button.copy")) {
      button.hidden = false;
      const label = button.textContent;
      button.addEventListener("click", async () => {
        const told = await copy(button.dataset.markdown).then(() => words.copied, () => words.refused);
        button.textContent = told;
        button.focus();
        say(told);
        setTimeout(() => { button.textContent = label; }, 1500);
      });
    }
  }

  // ---- Figures of curves: the values at a place, by pointer or arrow keys -------------------

  const SVG = "http://www.w3.org/2000/svg";

  function makeReadable(figure) {
    const drawing = figure.querySelector(".drawing");
    const sheet = drawing.querySelector(".sheet");
    const svg = sheet.querySelector("svg");
    const { along, places, x, lines } = JSON.parse(figure.querySelector(".readings").textContent);
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    const title = figure.querySelector("h3").textContent;
    const slider = element("div", {
      class: "cursor", role: "slider", tabindex: "0", "aria-label": tell(words.values, { title, along }),
      "aria-valuemin": "0", "aria-valuemax": String(places.length - 1), "aria-valuenow": "0",
    });
    const box = element("div", { class: "values", hidden: "" });
    const upright = document.createElementNS(SVG, "line");
    upright.setAttribute("class", "upright");
    sheet.append(slider);
    drawing.append(box);

    const placeAt = (i) => tell(words.place, { along, place: places[i] });

    // The lines that are drawn at a place, highest first, as in the figure.
    const shownAt = (i) => lines
      .filter(({ arm, y }) => y[i] !== null && (arm === null || !chosen.size || chosen.has(String(arm))))
      .sort((a, b) => a.y[i] - b.y[i]);

    function show(i) {
      const rows = shownAt(i);
      for (const [name, value] of Object.entries({ x1: x[i], x2: x[i], y1: 0, y2: height })) {
        upright.setAttribute(name, value);
      }
      svg.append(upright);
      box.replaceChildren(element("b", {}, placeAt(i)), ...rows.map((line) => {
        const row = element("span", {}, `${line.name} `);
        const swatch = document.querySelector(`.legend li[data-arm="${line.arm}"] .swatch`);
        if (swatch) row.prepend(swatch.cloneNode(true));
        row.append(element("span", {}, line.told[i]));
        return row;
      }));
      box.hidden = false;
      const at = (x[i] / width) * slider.clientWidth - sheet.scrollLeft;
      const room = drawing.clientWidth - box.offsetWidth;
      const beside = at > drawing.clientWidth / 2 ? at - box.offsetWidth - 10 : at + 10;
      box.style.left = `${Math.max(0, Math.min(room, beside))}px`;
    }

    // Said in words only when the keyboard asks: a moving pointer would not let a voice finish.
    function move(i) {
      slider.setAttribute("aria-valuenow", String(i));
      const told = shownAt(i).map((line) => `${line.name} ${line.told[i]}`);
      slider.setAttribute("aria-valuetext", tell(words.told, { place: placeAt(i), values: told.join("; ") }));
      show(i);
    }

    function hide() {
      box.hidden = true;
      upright.remove();
    }

    function point(event) {
      const rect = slider.getBoundingClientRect();
      const at = ((event.clientX - rect.left) / rect.width) * width;
      show(x.reduce((best, place, i) => Math.abs(place - at) < Math.abs(x[best] - at) ? i : best, 0));
    }

    slider.addEventListener("pointermove", point);
    slider.addEventListener("pointerdown", point); // a finger that taps does not move
    slider.addEventListener("pointerleave", hide);
    slider.addEventListener("focus", () => {
      if (slider.matches(":focus-visible")) move(Number(slider.getAttribute("aria-valuenow")));
    });
    slider.addEventListener("blur", hide);
    slider.addEventListener("keydown", (event) => {
      const now = Number(slider.getAttribute("aria-valuenow"));
      const last = places.length - 1;
      const wanted = {
        ArrowRight: now + 1, ArrowUp: now + 1, ArrowLeft: now - 1, ArrowDown: now - 1,
        PageUp: now + 5, PageDown: now - 5, Home: 0, End: last,
      }[event.key];
      if (wanted === undefined) return;
      event.preventDefault();
      move(Math.max(0, Math.min(last, wanted)));
    });
  }

  // ---- Figures wider than a narrow screen scroll in their own box, by keyboard as well -------

  function makeScrollable(sheet) {
    if (sheet.querySelector("[tabindex]")) return;
    const watched = new ResizeObserver(() => {
      if (sheet.scrollWidth > sheet.clientWidth + 1) sheet.setAttribute("tabindex", "0");
      else sheet.removeAttribute("tabindex");
    });
    watched.observe(sheet);
  }

  markCurrentSection();
  unfold();
  all("table.sortable").forEach(makeSortable);
  makeFilter();
  makeCopying();
  all("figure:has(.readings)").forEach(makeReadable);
  all(".sheet").forEach(makeScrollable);
  for (const note of all(".scripted")) note.hidden = false;
}
