// The demo page: one engine, one network, one picture at a time.
import init, { Engine, samplePicture } from "./pocketvision.js";

const element = (id) => document.getElementById(id);
const canvas = element("canvas");
const context = canvas.getContext("2d", { willReadFrequently: true });
let engine;
let network;
let working = Promise.resolve();

// Runs one thing after another, and shows what went wrong.
function then(what, work) {
  working = working.then(async () => {
    say(what);
    try {
      await work();
    } catch (error) {
      say(error?.message ?? String(error), true);
    }
  });
  return working;
}

function say(text, isError = false) {
  element("status").textContent = text;
  element("status").classList.toggle("error", isError);
}

// What it says when all is done: never without the warnings.
function tell(text) {
  say([text, ...engine.warnings].join("\n"), engine.warnings.length > 0);
}

const asBytes = async (response) => new Uint8Array(await response.arrayBuffer());

async function fetched(path, read) {
  const response = await fetch(path);
  return response.ok ? read(response) : undefined;
}

async function load(make) {
  const begin = performance.now();
  network?.free();
  network = undefined;
  network = await make();
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  const counts = `${network.dispatches} dispatches, ${network.pipelines} pipelines`;
  const compiled = `${engine.adapter}: compiled in ${seconds} s, ${counts}`;
  say(compiled);
  await classify();
  await test();
  tell(compiled);
}

// Shaders that are new to this adapter are tested once there is an answer to look at.
async function test() {
  say("Testing shaders that are new to this adapter…");
  if (await network.test()) return;
  await classify();
}

async function classify() {
  if (!network) return;
  const { width, height } = canvas;
  const pixels = new Uint8Array(context.getImageData(0, 0, width, height).data.buffer);
  // The first run wakes the device up; the fastest of three says what a run costs.
  let answer;
  for (let run = 0; run < 3; run++) {
    const next = await network.run(pixels, width, height);
    if (!answer || next.latencyMs < answer.latencyMs) answer = next;
  }
  const { labels, scores } = answer;
  element("answer").replaceChildren(...labels.map((label, index) => {
    const row = document.createElement("li");
    row.style.setProperty("--share", Math.max(0, Math.min(1, scores[index])));
    for (const text of [label, scores[index].toFixed(3)]) {
      row.append(Object.assign(document.createElement("span"), { textContent: text }));
    }
    return row;
  }));
  element("cost").textContent = `${answer.latencyMs.toFixed(1)} ms with upload and readback, ` +
    `${answer.preprocessingMs.toFixed(1)} ms to resize`;
  document.body.dataset.answered = "yes";
}

function showSample() {
  const pixels = new Uint8ClampedArray(samplePicture(640, 480));
  [canvas.width, canvas.height] = [640, 480];
  context.putImageData(new ImageData(pixels, 640, 480), 0, 0);
}

// At most so many pixels a side: a network looks at 224.
const LARGEST_SIDE = 1600;

async function showPhoto(file) {
  const photo = await createImageBitmap(file);
  const scale = Math.min(1, LARGEST_SIDE / Math.max(photo.width, photo.height));
  canvas.width = Math.max(1, Math.round(photo.width * scale));
  canvas.height = Math.max(1, Math.round(photo.height * scale));
  context.drawImage(photo, 0, 0, canvas.width, canvas.height);
  photo.close();
}

const photo = (file) => file && then("Looking…", async () => {
  await showPhoto(file);
  await classify();
  tell(engine.adapter);
});

const chosen = (value) => then("Compiling shaders…", () => {
  const [kind, name, precision] = value.split(":");
  if (kind === "builtIn") return load(() => engine.builtIn(name, precision, true));
  return load(async () => engine.load(published.bytes, published.labels, true));
});

let published;
then("Opening the graphics adapter…", async () => {
  await init();
  showSample();
  if (!navigator.gpu) throw new Error("This browser has no WebGPU.");
  engine = await Engine.open(false, "later");
  // A trained network that was put beside the page, if one was.
  const bytes = await fetched("model.tflite", asBytes);
  if (bytes) {
    published = { bytes, labels: await fetched("labels.txt", (response) => response.text()) };
    const name = (await fetched("model.txt", (response) => response.text())) ?? "model.tflite";
    element("network").prepend(new Option(name.trim(), "published", true, true));
  }
  chosen(element("network").value);
});

element("network").addEventListener("change", (event) => chosen(event.target.value));
element("photo").addEventListener("change", (event) => photo(event.target.files[0]));
element("sample").addEventListener("click", () => then("Looking…", async () => {
  showSample();
  await classify();
  tell(engine.adapter);
}));
element("file").addEventListener("change", (event) => {
  const file = event.target.files[0];
  if (!file) return;
  then("Compiling shaders…", () => load(async () => {
    const bytes = new Uint8Array(await file.arrayBuffer());
    return engine.load(bytes, undefined, true);
  }));
});
for (const [name, isOver] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  element("drop").addEventListener(name, (event) => {
    event.preventDefault();
    element("drop").classList.toggle("over", isOver);
    if (name === "drop") photo(event.dataTransfer.files[0]);
  });
}
