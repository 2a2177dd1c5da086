"use strict";

// The live page: examples, the occlusion brush, and files that readers bring. pad.js reads
// what is drawn, live-inside.js shows the maps, live-evidence.js the evidence, live-compare.js another
// network beside it, live-morph.js the way from one digit to another.
const Live = (() => {
  const REST = 60; // milliseconds without change before a section further down follows

  const element = (id) => document.getElementById(id);

  // --- examples and pictures --------------------------------------------------------------------

  const arc = (x, y, radius, from, to) =>
    Array.from({ length: 25 }, (_, n) => {
      const angle = (Math.PI / 180) * (from + ((to - from) * n) / 24);
      return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
    });

  // Beside digits of MNIST: what MNIST hardly has, and what is no digit at all.
  const SCRIPTED = [
    {
      name: "a small 4 in a corner",
      lines: [
        [
          [40, 30],
          [28, 70],
          [70, 70],
        ],
        [
          [60, 42],
          [58, 100],
        ],
      ],
    },
    {
      name: "a 7 with a bar",
      lines: [
        [
          [75, 65],
          [205, 60],
          [130, 225],
        ],
        [
          [105, 145],
          [195, 140],
        ],
      ],
    },
    {
      name: "a 1 with a flag and a foot",
      lines: [
        [
          [95, 95],
          [150, 45],
          [150, 230],
        ],
        [
          [90, 230],
          [210, 230],
        ],
      ],
    },
    {
      name: "a letter A",
      lines: [
        [
          [75, 230],
          [140, 45],
          [205, 230],
        ],
        [
          [97, 165],
          [183, 165],
        ],
      ],
    },
    {
      name: "a face",
      lines: [
        arc(140, 140, 95, 0, 360),
        [
          [110, 115],
          [110, 118],
        ],
        [
          [170, 115],
          [170, 118],
        ],
        arc(140, 140, 50, 25, 155),
      ],
    },
  ];

  /** 28 × 28 pixels as MNIST has them, dark on light. */
  function canvasOfDigit(base64) {
    const pixels = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const canvas = Object.assign(document.createElement("canvas"), { width: 28, height: 28 });
    Pad.paintGrey(canvas, pixels, 28, (pixel) => 255 - pixel);
    return canvas;
  }

  /** An example as the network sees it: 784 numbers from 0 to 1. */
  function imageOf(drawing) {
    const context = document.createElement("canvas").getContext("2d");
    Pad.paint(context, Pad.SCAN, Pad.SCAN, drawing);
    const { data } = context.getImageData(0, 0, Pad.SCAN, Pad.SCAN);
    const { image } = Handwriting.toMnist(Handwriting.toGrey(data, Pad.SCAN, Pad.SCAN));
    return Float32Array.from(image, (pixel) => pixel / 255);
  }

  let firstExample = null; // lies on the pad until a hand begins
  function examples() {
    const digits = LIVE_DIGITS.map(({ name, pixels }) => {
      return { name, drawing: { background: canvasOfDigit(pixels), strokes: [] } };
    });
    const scripted = SCRIPTED.map(({ name, lines }) => {
      const strokes = lines.map((points) => ({ width: 16, points }));
      return { name, drawing: { background: null, strokes } };
    });
    const shapes = [...digits, ...scripted].map(({ name, drawing }) => {
      return { name, image: () => imageOf(drawing) };
    });
    Morph.offer(shapes, 4, 9);
    firstExample = digits[4].drawing;
    for (const example of [...digits, ...scripted]) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", title: example.name });
      const thumbnail = document.createElement("canvas");
      thumbnail.setAttribute("role", "img");
      thumbnail.setAttribute("aria-label", example.name);
      button.append(thumbnail);
      Pad.paint(thumbnail.getContext("2d"), 88, 88, example.drawing);
      button.addEventListener("click", () => Pad.change(example.drawing));
      element("live-examples").append(button);
    }
  }

  function use(next) {
    Pad.use(next);
    element("live-reset").disabled = Pad.isOwn;
    Inside.use(next);
    Evidence.use(next);
    Compare.use(next);
    Morph.use(next);
    describeNetwork();
  }

  function describeNetwork() {
    const { network } = Pad;
    const accuracy = network.accuracy === null ? "" : `, ${Pad.percent(network.accuracy)} right`;
    const millions = (network.multiplyAdds / 1e6).toFixed(1);
    element("live-network").textContent =
      `Network “${network.name}”${accuracy}: ${millions} million multiplications an image.` +
      (network.note ? ` ${network.note}` : "");
  }

  let own = null; // the course's own network, as soon as it is there
  let [hasCome, hasFailed] = [null, null];
  const arrival = new Promise((...settle) => ([hasCome, hasFailed] = settle));

  /** Read with the course's own network: the page's largest script, which may arrive last. */
  function useOwn() {
    own = NetworkFile.fromDescription(LIVE_NETWORK);
    use(own);
    hasCome();
  }

  function files() {
    /** Say it in the drop zone and under the pad: one of them is in sight. */
    function say(words, isError = false) {
      for (const id of ["live-message", "live-pad-message"]) {
        element(id).textContent = words;
        element(id).classList.toggle("live-error", isError);
      }
    }
    let opening = Promise.resolve();
    /** One file after the other, so that the last one stays. */
    function open(file) {
      opening = opening.catch(() => {}).then(() => openOne(file));
      return opening;
    }
    async function openOne(file) {
      if (!file) return;
      const name = Files.shortened(file.name);
      say(`Reading “${name}” …`);
      try {
        const { picture, network } = await Files.open(file);
        if (picture) Pad.change({ background: picture, strokes: [] });
        else {
          await arrival; // the first network is the course's own, and would take this one's place
          use(network);
        }
        say(
          picture
            ? `The picture “${name}” lies on the pad.`
            : `The network “${network.name}” now reads what you draw.`,
        );
      } catch (error) {
        say(error.message, true);
      }
    }
    for (const id of ["live-picture", "live-load"]) {
      element(id).addEventListener("change", async (event) => {
        await open(event.target.files[0]);
        event.target.value = ""; // so that the same file can be chosen again
      });
    }
    element("live-reset").addEventListener("click", () => {
      use(own);
      say("The course’s own network reads again.");
    });
    window.addEventListener("dragover", (event) => event.preventDefault());
    window.addEventListener("drop", (event) => {
      event.preventDefault();
      const { files } = event.dataTransfer;
      if (files.length === 1) open(files[0]);
      else {
        say(
          files.length
            ? `These are ${files.length} files. Drop one at a time.`
            : "This is no file. Save it on your computer first, then drop the file.",
          true,
        );
      }
    });
  }

  // --- what the network sees --------------------------------------------------------------------

  function showSteps() {
    const list = element("live-steps");
    const { prepared, covered } = Pad;
    const steps = prepared ? prepared.steps : [];
    while (list.children.length > steps.length) list.lastChild.remove();
    steps.forEach((step, n) => {
      let item = list.children[n];
      if (!item) {
        item = document.createElement("li");
        const canvas = item.appendChild(document.createElement("canvas"));
        canvas.setAttribute("role", "img");
        item.append(document.createElement("span"));
        list.append(item);
      }
      const [canvas, words] = item.children;
      if (words.textContent !== step.name) {
        words.textContent = step.name;
        canvas.setAttribute("aria-label", `Step ${n + 1}: ${step.name}`);
      }
      Pad.paintGrey(canvas, step.data, step.width, (number) => (255 * Pad.clamp(number, 0, 1) + 0.5) | 0);
    });
    const seen = prepared ? prepared.image : new Uint8Array(784);
    const canvas = element("live-seen");
    Pad.paintGrey(canvas, seen, 28, (pixel, n) => (covered[n] ? 0 : pixel));
    const context = canvas.getContext("2d");
    context.fillStyle = "rgba(213, 94, 0, 0.75)";
    for (let n = 0; n < 784; n++) if (covered[n]) context.fillRect(n % 28, (n / 28) | 0, 1, 1);
    element("live-uncover").disabled = !covered.some(Boolean);
  }

  /** A square of 3 × 3 pixels that covers what it passes. */
  function coverWithBrush() {
    const { covered } = Pad;
    const canvas = element("live-seen");
    const brush = element("live-brush");
    let place = [14, 14];

    function showBrush() {
      brush.style.left = `${(100 * (place[0] - 1)) / 28}%`;
      brush.style.top = `${(100 * (place[1] - 1)) / 28}%`;
    }
    function cover() {
      if (!Pad.prepared) return;
      for (let y = place[1] - 1; y <= place[1] + 1; y++) {
        for (let x = place[0] - 1; x <= place[0] + 1; x++) {
          if (x >= 0 && x < 28 && y >= 0 && y < 28) covered[28 * y + x] = 1;
        }
      }
      Pad.schedule(false);
    }
    function follow(event) {
      const box = canvas.getBoundingClientRect();
      place = [
        Pad.clamp(Math.floor(((event.clientX - box.left) * 28) / box.width), 0, 27),
        Pad.clamp(Math.floor(((event.clientY - box.top) * 28) / box.height), 0, 27),
      ];
      brush.hidden = false;
      showBrush();
      if (event.buttons & 1) cover();
    }
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      follow(event);
    });
    canvas.addEventListener("pointermove", follow);
    canvas.addEventListener("pointerleave", () => (brush.hidden = true));
    canvas.addEventListener("blur", () => (brush.hidden = true));
    canvas.addEventListener("keydown", (event) => {
      if (Pad.ARROWS[event.key]) {
        place = place.map((at, axis) => Pad.clamp(at + Pad.ARROWS[event.key][axis], 0, 27));
      } else if (event.key === " ") cover();
      else return;
      event.preventDefault();
      brush.hidden = false;
      showBrush();
    });
    element("live-uncover").addEventListener("click", () => {
      covered.fill(0);
      Pad.schedule(false);
      canvas.focus(); // the button is about to be switched off, and would lose the focus
    });
  }

  /** Let a section follow the pad while it is in view, and cost nothing while it is not. */
  function follower(id, part) {
    let [seen, current, image] = [false, true, null];
    const waiting = Parts.whenResting(() => {
      current = true;
      part.show(image);
    }, REST);
    function follow() {
      waiting.stop();
      if (seen && !current) waiting.start();
    }
    new IntersectionObserver((entries) => {
      seen = entries.at(-1).isIntersecting;
      follow();
    }).observe(element(id));
    return {
      show(next) {
        [image, current] = [next, false];
        follow();
      },
      get idle() {
        return (!seen || current) && part.idle;
      },
    };
  }
  const followers = [follower("live-compare", Compare), follower("live-morph", Morph)];

  examples();
  files();
  coverWithBrush();
  Pad.start({
    answered(image, outputs) {
      showSteps();
      Inside.show(image, outputs);
      Evidence.show(image, outputs);
      for (const each of followers) each.show(image);
    },
  });
  if (typeof LIVE_NETWORK === "undefined") {
    const script = element("live-network-script");
    const fail = () => hasFailed(new Error("The network could not be loaded. Check your connection, and load this page again."));
    script.addEventListener("load", useOwn);
    script.addEventListener("error", fail);
    if ("failed" in script.dataset) fail(); // before this script ran
    element("live-words").textContent = "One moment: the network is on its way to your browser.";
    arrival.catch(({ message }) => (element("live-words").textContent = message));
  } else useOwn();
  const kept = Pad.kept();
  if (kept) Pad.change(kept);
  else Pad.demonstrate(firstExample);

  return {
    frames: Pad.frames,
    /** What the page holds now, for tests and for the curious at the console. */
    get state() {
      const state = Pad.state;
      const idle = [Inside, Evidence, ...followers].every((part) => part.idle);
      return { ...state, settled: own !== null && state.settled && idle };
    },
  };
})();
