// Pictures from a file, the clipboard or a drop: checked, and scaled down if they are larger than the service accepts.

// Up to these a file is sent as it is: the service finds damage that a browser would hide by drawing the rest grey.
const LARGEST_PIXELS = 2 ** 26;
const LARGEST_BYTES = 32 * 1024 * 1024;

const SIGNATURES = {
  'image/png': [0x89, 0x50, 0x4e, 0x47],
  'image/jpeg': [0xff, 0xd8, 0xff],
  'image/gif': [0x47, 0x49, 0x46, 0x38],
  'image/bmp': [0x42, 0x4d],
  'image/webp': [0x52, 0x49, 0x46, 0x46],
};

/** Calls `take` with a file that was chosen, pasted anywhere on the page or dropped on `target`. */
export function listenToPictures({ input, target, take }) {
  input.addEventListener('change', () => {
    if (input.files.length > 0) take(input.files[0]);
    // Otherwise choosing the same file again would be no change event.
    input.value = '';
  });

  document.addEventListener('paste', (event) => {
    const [file] = event.clipboardData.files;
    if (!file) return;
    event.preventDefault();
    take(file);
  });

  // Otherwise a picture dropped outside of the target would replace the page.
  window.addEventListener('dragover', (event) => event.preventDefault());
  window.addEventListener('drop', (event) => event.preventDefault());

  target.addEventListener('dragover', () => target.classList.add('drop'));
  target.addEventListener('dragleave', () => target.classList.remove('drop'));
  target.addEventListener('drop', (event) => {
    target.classList.remove('drop');
    const [file] = event.dataTransfer.files;
    if (file) take(file);
  });
}

/** Returns the bytes to send and a URL to show them; throws an error whose message is shown to the user. */
export async function readPicture(file) {
  const type = await typeOf(file);
  if (!type) throw new Error('Only PNG, JPEG, GIF, BMP and WebP pictures can be read here.');
  const original = new Blob([file], { type });
  const bitmap = await createImageBitmap(original).catch(() => {
    throw new Error('This picture is damaged: it cannot be opened.');
  });
  const bytes = await fitting(original, bitmap);
  bitmap.close();
  return { bytes, url: URL.createObjectURL(bytes) };
}

/** Media type by the first bytes, because the file name and the type given by the browser can be wrong. */
async function typeOf(file) {
  const start = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  const matches = ([, signature]) => signature.every((byte, index) => start[index] === byte);
  return Object.entries(SIGNATURES).find(matches)?.[0];
}

async function fitting(original, bitmap) {
  const pixels = bitmap.width * bitmap.height;
  if (pixels <= LARGEST_PIXELS && original.size <= LARGEST_BYTES) return original;
  let side = Math.max(bitmap.width, bitmap.height) * Math.min(1, Math.sqrt(LARGEST_PIXELS / pixels));
  let bytes = await scaled(bitmap, side, original.type);
  // Noise hardly compresses, so the side alone does not limit the number of bytes.
  while (bytes.size > LARGEST_BYTES) {
    side = Math.floor(side * 0.7);
    bytes = await scaled(bitmap, side, original.type);
  }
  return bytes;
}

async function scaled(bitmap, side, type) {
  const scale = side / Math.max(bitmap.width, bitmap.height);
  const length = (pixels) => Math.max(1, Math.round(pixels * scale));
  const canvas = new OffscreenCanvas(length(bitmap.width), length(bitmap.height));
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob({ type, quality: 0.92 });
}
