// The browser half of stage.py: paint the newest picture, say so, and keep the words around it up to date.
// Nothing here knows what a picture shows. Every string from the kernel goes through textContent, never innerHTML.

const REST = 200; // ms without a new picture after which the hand is said to rest

// Shapes on a 16 x 16 grid: the signs in fonts differ from machine to machine, or are missing.
const BUTTONS = {
  play: ["Play", "M4 2 L13 8 L4 14 Z"],
  pause: ["Pause", "M4 2 H7 V14 H4 Z M9 2 H12 V14 H9 Z"],
  step: ["Step", "M3 2 L10 8 L3 14 Z M11 2 H13 V14 H11 Z"],
  stop: ["Stop", "M3 3 H13 V13 H3 Z"],
  reset: ["Reset", "M8 3 V0.5 L3.5 4 L8 7.5 V5 A4 4 0 1 1 4 9 H2 A6 6 0 1 0 8 3 Z"],
};
const SVG = "http://www.w3.org/2000/svg";

function make(tag, className, attributes = {}) {
  const node = document.createElement(tag);
  node.className = className;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function isDark() {
  const light = document.body.dataset.jpThemeLight;
  if (light !== undefined) return light === "false";
  return window.matchMedia("(prefers-color-scheme: dark)").matches;
}

function render({ model, el }) {
  const view = Math.random().toString(36).slice(2);
  const root = make("div", "nnlab-stage");
  const badge = make("div", "nnlab-badge");
  const canvas = make("canvas", "nnlab-picture", { role: "img" });
  const caption = make("div", "nnlab-caption");
  const toolbar = make("div", "nnlab-toolbar", { role: "toolbar", "aria-label": "Run the lab" });
  const status = make("div", "nnlab-status", { role: "status" });
  const error = make("pre", "nnlab-error", { role: "alert" });
  const numbers = make("details", "nnlab-numbers");
  const summary = make("summary", "");
  summary.textContent = "Numbers";
  const table = make("table", "");
  numbers.append(summary, table);
  root.append(badge, canvas, caption, toolbar, error, numbers, status);
  el.append(root);

  const context = canvas.getContext("2d", { alpha: false });
  let painting = false; // one picture is being decoded or waits for the next animation frame
  let painted = 0; // seq of the picture on the canvas
  let stopped = -1; // pictures of this run, or an older one, come too late: Stop was pressed
  let restTimer = 0;
  let statusTimer = 0;

  const say = (kind, rest = {}) => {
    try {
      model.send({ kind, view, ...rest });
    } catch {
      // the kernel was restarted: nobody is left to hear it
    }
  };
  const acknowledge = (seq) => say("ack", { seq, visible: !document.hidden });
  let looks = ""; // what the kernel was told last
  const look = () => {
    const now = { dark: isDark(), scale: Math.min(window.devicePixelRatio || 1, 2) };
    if (looks === JSON.stringify(now)) return;
    looks = JSON.stringify(now);
    say("look", now);
  };

  async function paint() {
    if (painting) return; // the loop below takes the newest picture when it comes round
    painting = true;
    try {
      for (;;) {
        const frame = model.get("frame");
        if (!frame.data || (frame.seq === painted && frame.type === canvas.dataset.type)) break;
        if (frame.run <= stopped) {
          acknowledge(frame.seq);
          break;
        }
        if (document.hidden) {
          acknowledge(frame.seq); // nobody looks: do not hold up the training; painted when the tab comes back
          break;
        }
        const bitmap = await createImageBitmap(new Blob([frame.data], { type: frame.type }));
        await new Promise((resolve) => {
          const done = () => (clearTimeout(late), resolve());
          const late = setTimeout(done, 100); // a tab hidden in this very moment gets no animation frame
          requestAnimationFrame(done);
        });
        if (frame.run > stopped) {
          if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
            canvas.width = bitmap.width;
            canvas.height = bitmap.height;
          }
          context.drawImage(bitmap, 0, 0);
          painted = frame.seq;
          canvas.dataset.seq = frame.seq;
          canvas.dataset.type = frame.type;
          canvas.setAttribute("aria-label", model.get("alt"));
        }
        bitmap.close();
        acknowledge(frame.seq);
        rest(frame);
      }
    } finally {
      painting = false;
    }
  }

  function rest(frame) {
    clearTimeout(restTimer);
    if (frame.type === "image/png") return; // already exact
    restTimer = setTimeout(() => say("rest", { seq: frame.seq }), REST);
  }

  function command(name) {
    if (name === "stop") stopped = model.get("frame").run ?? -1; // what is still under way is dropped, not painted
    say("command", { name });
  }

  if (model.get("clickable")) {
    canvas.classList.add("nnlab-clickable");
    canvas.addEventListener("click", (event) => {
      const box = canvas.getBoundingClientRect();
      const [width, height] = model.get("size"); // the page may show it smaller
      const x = ((event.clientX - box.left) / box.width) * width;
      say("click", { x, y: ((event.clientY - box.top) / box.height) * height });
    });
  }

  const press = {};
  for (const name of model.get("buttons")) {
    const [label, shape] = BUTTONS[name];
    const button = make("button", "nnlab-button", { type: "button", "data-command": name });
    const icon = document.createElementNS(SVG, "svg");
    const path = document.createElementNS(SVG, "path");
    icon.setAttribute("viewBox", "0 0 16 16");
    icon.setAttribute("aria-hidden", "true");
    path.setAttribute("d", shape);
    icon.append(path);
    button.append(icon, label);
    button.addEventListener("click", () => command(name));
    toolbar.append(button);
    press[name] = button;
  }

  const show = {
    size() {
      canvas.style.width = model.get("size")[0] + "px";
      canvas.style.aspectRatio = model.get("size").join(" / ");
    },
    alt() {
      if (painted) canvas.setAttribute("aria-label", model.get("alt"));
    },
    caption() {
      caption.textContent = model.get("caption");
    },
    status() {
      // Read aloud once the hand rests, not at every step of a slider.
      clearTimeout(statusTimer);
      statusTimer = setTimeout(() => (status.textContent = model.get("status")), 400);
    },
    error() {
      error.textContent = model.get("error");
      error.hidden = !model.get("error");
    },
    badge() {
      badge.textContent = model.get("badge");
      badge.hidden = !model.get("badge");
    },
    table() {
      table.replaceChildren(
        ...model.get("table").map(([name, value]) => {
          const row = make("tr", "");
          row.append(
            Object.assign(make("th", "", { scope: "row" }), { textContent: name }),
            Object.assign(make("td", ""), { textContent: value }),
          );
          return row;
        }),
      );
      numbers.hidden = model.get("table").length === 0;
    },
    state() {
      const state = model.get("state");
      const locked = model.get("locked");
      root.dataset.state = state;
      toolbar.hidden = model.get("buttons").length === 0 && state !== "busy";
      const off = {
        play: state === "playing" || state === "busy",
        pause: state !== "playing",
        step: state === "playing" || state === "busy",
        stop: !["playing", "paused", "busy"].includes(state),
        reset: state === "busy",
      };
      for (const [name, button] of Object.entries(press)) button.disabled = locked || off[name];
      if (state === "playing") clearTimeout(statusTimer);
    },
  };
  show.locked = show.state;
  for (const [trait, update] of Object.entries(show)) {
    update();
    model.on(`change:${trait}`, update);
  }
  model.on("change:frame", paint);
  document.addEventListener("visibilitychange", paint);
  window.addEventListener("resize", look); // zooming changes the density
  const theme = new MutationObserver(look);
  theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name"] });
  look();
  paint();

  return () => {
    for (const [trait, update] of Object.entries(show)) model.off(`change:${trait}`, update);
    model.off("change:frame", paint);
    document.removeEventListener("visibilitychange", paint);
    window.removeEventListener("resize", look);
    theme.disconnect();
    clearTimeout(restTimer);
    clearTimeout(statusTimer);
    say("gone");
  };
}

export default { render };
