// Says what a mark stands for when it is pointed at or reached by the keyboard: one tab stop for
// each chart, arrow keys inside it. Without this, the marks' titles and the tables say the same.
for (const chart of document.querySelectorAll("[data-explore]")) {
  const marks = [...chart.querySelectorAll("[data-part]")];
  const readout = chart.querySelector("[data-readout]");
  const before = readout.textContent;
  if (marks.length === 0) continue;
  const show = (mark) => { readout.textContent = mark ? mark.getAttribute("aria-label") : before; };
  const focus = (index) => {
    const mark = marks[Math.max(0, Math.min(marks.length - 1, index))];
    for (const other of marks) other.setAttribute("tabindex", other === mark ? "0" : "-1");
    mark.focus();
  };
  marks.forEach((mark, index) => {
    mark.querySelector("title").remove();
    mark.setAttribute("tabindex", index === 0 ? "0" : "-1");
    mark.addEventListener("pointerenter", () => show(mark));
    mark.addEventListener("pointerleave", () => show(null));
    mark.addEventListener("focus", () => show(mark));
    mark.addEventListener("blur", () => show(null));
    mark.addEventListener("keydown", (event) => {
      const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
      const target = { Home: 0, End: marks.length - 1 }[event.key] ?? index + (steps[event.key] ?? NaN);
      if (Number.isNaN(target)) return;
      event.preventDefault();
      focus(target);
    });
  });
}
for (const hint of document.querySelectorAll(".scripted")) hint.hidden = false;
