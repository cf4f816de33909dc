// One participant's way through a study. The server decides what is shown; this page shows it, pixel for pixel.

const TOKEN = "twinscale-study-participant"; // the key in the browser's storage, so that a reload goes on
const PARTS = { restored: "pictures brought back to full size", small: "small pictures" };
const PLACES = ["a", "original", "b"]; // as they stand, from left to right
const KEYS = { 1: "a", 2: "equal", 3: "b" };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 80; // CSS pixels that an arrow key moves
const LINE = 16; // CSS pixels of a line, in which some mice count

const $ = (id) => document.getElementById(id);
const panes = [...document.querySelectorAll(".pane")];
const pictures = panes.map((pane) => pane.querySelector("img"));

let question = null; // what the server says of the next question
let ready = false; // whether it is shown and may be answered
let centre = [0.5, 0.5]; // the point of the scene in the middle of every pane, as fractions of its width and height

// The server

async function ask(path, body) {
  const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  options.headers = { "Content-Type": "application/json" };
  const response = await fetch(path, options).catch(() => {
    throw new Error("The server does not answer");
  });
  if (response.ok) return response.json();
  const { error } = await response.json().catch(() => ({ error: "The server has failed" }));
  throw Object.assign(new Error(error), { status: response.status });
}

const participant = () => `participants/${localStorage.getItem(TOKEN)}`;
const address = (position, place) => `${participant()}/pictures/${position}/${place}`;

async function resume() {
  if (localStorage.getItem(TOKEN)) {
    try {
      return await show(await ask(participant()));
    } catch (error) {
      if (error.status !== 404) throw error;
      localStorage.removeItem(TOKEN); // of another study, which this server had before
    }
  }
  $("count").textContent = (await ask("study")).questions;
  turnTo("welcome");
}

async function begin() {
  $("begin").disabled = true; // one click makes one participant
  try {
    localStorage.setItem(TOKEN, (await ask("participants", {})).token);
    await show(await ask(participant()));
  } finally {
    $("begin").disabled = false;
  }
}

async function answer(choice) {
  if (!ready) return;
  ready = false;
  let next;
  try {
    next = await ask(`${participant()}/answers`, { position: question.position, choice });
  } catch (error) {
    if (error.status === 409) return resume(); // another tab of this browser has gone on
    ready = true; // not kept, or its acknowledgement was lost: the same answer may be given again
    throw error;
  }
  return show(next);
}

// What is shown

function turnTo(name) {
  for (const main of document.querySelectorAll("main")) main.hidden = main.id !== name;
}

async function show(next) {
  question = next;
  ready = false;
  if (next.position === next.questions) return turnTo("thanks");
  $("part").textContent = (next.parts > 1 ? `Part ${next.part} of ${next.parts}: ` : "") + PARTS[next.task];
  $("progress").textContent = `Question ${next.position + 1} of ${next.questions}`;
  $("bar").max = next.questions;
  $("bar").value = next.position;
  turnTo("question");
  $("panes").setAttribute("aria-busy", "true");
  await Promise.all(
    pictures.map((picture, index) => {
      picture.src = address(next.position, PLACES[index]);
      return picture.decode();
    }),
  );
  centre = [0.5, 0.5];
  layOut();
  $("panes").setAttribute("aria-busy", "false"); // all three appear at once
  ready = true;
  if (next.position + 1 < next.questions) {
    for (const name of PLACES) new Image().src = address(next.position + 1, name);
  }
}

// Sizes and places: one pixel of a picture on one pixel of the screen, whatever the browser's zoom

const sizes = (picture) => [picture.naturalWidth, picture.naturalHeight]; // in pixels

// Give every pane the size of its picture, or what there is room for.
function layOut() {
  const wide = pictures.map((picture) => `minmax(0, max(5rem, ${picture.naturalWidth / devicePixelRatio}px))`);
  $("panes").style.gridTemplateColumns = wide.join(" ");
  pictures.forEach((picture, index) => {
    panes[index].style.flexBasis = `${picture.naturalHeight / devicePixelRatio}px`;
    picture.style.width = `${picture.naturalWidth / devicePixelRatio}px`;
    picture.style.height = `${picture.naturalHeight / devicePixelRatio}px`;
  });
  place();
}

// Put the centre of the view into the middle of every pane, as far as its picture reaches.
function place() {
  const areas = panes.map((pane) => pane.getBoundingClientRect());
  const rooms = areas.map((area) => [area.width, area.height].map((side) => Math.round(side * devicePixelRatio)));
  centre = centre.map((fraction, axis) => {
    const margin = Math.min(0.5, ...pictures.map((picture, index) => rooms[index][axis] / 2 / sizes(picture)[axis]));
    return Math.min(Math.max(fraction, margin), 1 - margin);
  });
  let movable = false;
  pictures.forEach((picture, index) => {
    const offset = sizes(picture).map((size, axis) => {
      const free = rooms[index][axis] - size;
      movable ||= free < 0;
      const wanted = rooms[index][axis] / 2 - centre[axis] * size;
      return Math.round(free < 0 ? Math.min(0, Math.max(free, wanted)) : free / 2);
    });
    // The pane itself may begin between two pixels of the screen; the picture must not.
    const from = (edge, pixels) => `${(Math.round(edge * devicePixelRatio) + pixels) / devicePixelRatio - edge}px`;
    picture.style.left = from(areas[index].left, offset[0]);
    picture.style.top = from(areas[index].top, offset[1]);
  });
  $("panes").classList.toggle("movable", movable);
}

// Move the view by CSS pixels of one picture; the others follow to the same place of the scene.
function pan(picture, right, down) {
  if (!ready) return;
  centre = centre.map((fraction, axis) => fraction + ([right, down][axis] * devicePixelRatio) / sizes(picture)[axis]);
  place();
}

// What participants do

function guarded(action) {
  return async (event) => {
    try {
      $("problem").hidden = true;
      await action(event);
    } catch (error) {
      $("problem").textContent = `${error.message.replace(/\.$/, "")}. Try again, or reload the page.`;
      $("problem").hidden = false;
    }
  };
}

$("begin").addEventListener("click", guarded(begin));

$("another").addEventListener("click", guarded(() => {
  localStorage.removeItem(TOKEN);
  return resume();
}));

for (const button of document.querySelectorAll("[data-choice]")) {
  button.addEventListener("click", guarded((event) => {
    if (event.detail <= 1) return answer(button.dataset.choice); // the second of a double click is no answer
  }));
}

document.addEventListener("keydown", guarded((event) => {
  if ($("question").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.repeat && !(event.key in ARROWS)) {
    event.preventDefault(); // nor is a key that is held, be it 1 or Enter on a button
  } else if (event.key in ARROWS) {
    event.preventDefault();
    const [right, down] = ARROWS[event.key];
    pan(pictures[1], right * STEP, down * STEP);
  } else if (event.key in KEYS) {
    return answer(KEYS[event.key]);
  }
}));

panes.forEach((pane, index) => {
  let last = null;
  pane.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    pane.setPointerCapture(event.pointerId);
    last = [event.clientX, event.clientY];
    $("panes").classList.add("moving");
  });
  pane.addEventListener("pointermove", (event) => {
    if (!last || !event.isPrimary) return;
    pan(pictures[index], last[0] - event.clientX, last[1] - event.clientY);
    last = [event.clientX, event.clientY];
  });
  pane.addEventListener("lostpointercapture", () => {
    last = null;
    $("panes").classList.remove("moving");
  });
  pane.addEventListener("wheel", (event) => {
    event.preventDefault(); // pinching on a touchpad, too, comes as a wheel
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1;
    if (!event.ctrlKey) pan(pictures[index], event.deltaX * unit, event.deltaY * unit);
  }, { passive: false });
});

addEventListener("resize", () => ready && layOut());

guarded(resume)();
