"use strict";

// Files that readers bring: which type of file it is, what it costs, and a sentence if it will not
// do. A file may come from anywhere and have any name, so its first bytes decide.
const Files = (() => {
  const HEAD = 4096; // bytes that are looked at
  const MAX_PICTURE = 40000000; // bytes
  const MAX_PIXELS = 60000000; // a small file can claim enough of them to fill the memory
  const MAX_WAIT = 15000; // milliseconds for unpacking, which runs beside the page
  const PHOTO_SCAN = 560; // of a photograph's longer side: a digit in it may be small
  const SAVE_AS = "Save it as a PNG or JPEG and open that.";
  const WRITE = "Write the network with mnist_lib.export.to_web and open that file.";

  class FileError extends Error {}

  // What a file begins with, as one character for each byte; the first that fits counts.
  const TYPES = [
    [/^\x89PNG\r\n\x1a\n/, { picture: "PNG" }],
    [/^\xff\xd8\xff/, { picture: "JPEG" }],
    [/^GIF8[79]a/, { picture: "GIF" }],
    [/^RIFF....WEBP/s, { picture: "WebP" }],
    [/^BM....\0\0\0\0/s, { picture: "BMP" }],
    [/^....ftyp.{0,64}avi[fs]/s, { picture: "AVIF" }],
    [
      /^....ftyp(hei[cxms]|hev[cxms]|mif1|msf1)/s,
      {
        picture: "HEIC", // Safari opens it
        refusal:
          "is a HEIC picture, which your browser cannot open. Send it to yourself as a JPEG, or " +
          "on an iPhone choose Settings, Camera, Formats, Most Compatible before you take it.",
      },
    ],
    [/^....ftyp/s, { refusal: "is a film. Take a picture of the digit instead." }],
    [/^(II\*\0|MM\0\*)/, { refusal: `is a TIFF picture, which browsers cannot open. ${SAVE_AS}` }],
    [
      /^.{0,1024}%PDF-/s,
      {
        refusal:
          "is a PDF, and this page opens pictures. Take a screenshot of the digit, or export the " +
          "page as a PNG or JPEG.",
      },
    ],
    [/^PK\x03\x04/, { refusal: `is an archive, such as a .keras or .npz file. ${WRITE}` }],
    [/^\x89HDF/, { refusal: `is an HDF5 file, as older versions of Keras write it. ${WRITE}` }],
    [/^\x93NUMPY/, { refusal: `is an array of NumPy's. ${WRITE}` }],
    [/^\x80[\x02-\x05]/, { refusal: `is a pickle of Python's, which no page can read. ${WRITE}` }],
    [/^\x1f\x8b/, { refusal: "is packed with gzip. Unpack it first, then open what was in it." }],
    [
      /^(\xef\xbb\xbf)?\s*<.*<svg[\s>]|^(\xef\xbb\xbf)?\s*<(svg|\?xml)[\s>]/s,
      {
        refusal:
          "is an SVG drawing, which can draw for minutes on end; this page opens photographs and " +
          `other pictures made of pixels. ${SAVE_AS}`,
      },
    ],
    [
      /^(\xef\xbb\xbf)?\s*</,
      { refusal: `is a web page or another text with tags. ${SAVE_AS} Or a network: ${WRITE}` },
    ],
  ];

  async function typeOf(file) {
    if (file.size === 0) throw new FileError("is empty. Save it again, or choose another file.");
    let bytes;
    try {
      bytes = new Uint8Array(await file.slice(0, HEAD).arrayBuffer());
    } catch {
      throw new FileError("cannot be read. Is it a folder? Choose one file.");
    }
    const head = String.fromCharCode(...bytes);
    const [, type] = TYPES.find(([pattern]) => pattern.test(head)) ?? [];
    if (type) return type;
    // A text may be a network whatever its name; what says that it is a picture is none.
    if (file.type.startsWith("image/") || bytes.includes(0)) {
      throw new FileError(
        "is not a picture that your browser can read, and no network. Open a PNG or JPEG, or a " +
          "file that mnist_lib.export.to_web wrote.",
      );
    }
    return { network: true };
  }

  /** An image element that knows its size; the pixels are not unpacked yet. */
  function measure(file) {
    const image = new Image();
    const url = URL.createObjectURL(file);
    return new Promise((done, failed) => {
      image.onload = () => done([image.naturalWidth, image.naturalHeight]);
      image.onerror = failed;
      image.src = url;
    }).finally(() => URL.revokeObjectURL(url));
  }

  function inTime(promise) {
    const late = new FileError(`takes too long to unpack. ${SAVE_AS}`);
    return Promise.race([
      promise,
      new Promise((_, failed) => setTimeout(() => failed(late), MAX_WAIT)),
    ]);
  }

  async function unpack(file, type) {
    if (file.size > MAX_PICTURE) {
      throw new FileError("is larger than 40 MB. Make it smaller, or take a screenshot of it.");
    }
    try {
      const [width, height] = await inTime(measure(file));
      if (width * height > MAX_PIXELS) {
        throw new FileError(
          `has ${width} × ${height} pixels; this page opens at most 60 million. Make it smaller.`,
        );
      }
      return await inTime(createImageBitmap(file)); // upright, as its EXIF record says
    } catch (error) {
      if (error instanceof FileError) throw error;
      throw new FileError(
        type.refusal ??
          `begins like a ${type.picture}, but is not a picture that your browser can read: it ` +
            `may be damaged. ${SAVE_AS}`,
      );
    }
  }

  /** A picture as a canvas on white paper. */
  async function picture(file, type) {
    const unpacked = await unpack(file, type);
    const longest = Math.max(unpacked.width, unpacked.height);
    const scale = Pad.clamp(longest, Pad.SCAN, PHOTO_SCAN) / longest;
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(unpacked.width * scale));
    canvas.height = Math.max(1, Math.round(unpacked.height * scale));
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff"; // transparent pictures lie on paper
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = "high";
    context.drawImage(unpacked, 0, 0, canvas.width, canvas.height);
    unpacked.close();
    return canvas;
  }

  const pause = () => new Promise((done) => setTimeout(done));

  async function network(file) {
    if (file.size > NetworkFile.MAX_BYTES) {
      throw new FileError(
        `is larger than ${NetworkFile.MAX_BYTES / 2 ** 20} MB, more than this page reads. Write ` +
          'the network with dtype="float16" or "int8", or use a smaller one.',
      );
    }
    const text = await file.text();
    await pause(); // reading, checking and computing one after the other, so that the page answers
    try {
      const description = NetworkFile.parse(text);
      await pause();
      return NetworkFile.fromDescription(description);
    } catch (error) {
      if (error instanceof NetworkFile.NetworkFileError) {
        throw new FileError(`was refused. ${error.message}`);
      }
      throw error;
    }
  }

  /** A picture or a network from a file: `{ picture }` or `{ network }`, or an error in words. */
  async function open(file) {
    try {
      const type = await typeOf(file);
      if (type.network) return { network: await network(file) };
      if (!type.picture) throw new FileError(type.refusal);
      return { picture: await picture(file, type) };
    } catch (error) {
      const words =
        error instanceof FileError ? error.message : `could not be read (${error.message}).`;
      throw new FileError(`“${shortened(file.name)}” ${words} Nothing was changed.`);
    }
  }

  function shortened(name) {
    return name.length > 60 ? `${name.slice(0, 40)} … ${name.slice(-15)}` : name;
  }

  return { open, shortened };
})();
