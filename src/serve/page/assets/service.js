// Requests to the service. Only the latest one counts: an older one is aborted, and its response is discarded.

/** Longest wait before a request is repeated after status 429. */
const MAX_RETRY_SECONDS = 10;

export function createService() {
  /** Number of the latest request. */
  let latest = 0;
  /** Its controller; null if none is in flight. */
  let inFlight = null;

  /** Aborts the request in flight. */
  function cancel() {
    latest += 1;
    inFlight?.abort();
    inFlight = null;
  }

  /** Returns the response, or null if a newer request has been sent; throws errors whose messages are shown. */
  async function ask(address, image) {
    cancel();
    const mine = latest;
    const controller = new AbortController();
    inFlight = controller;
    try {
      const answer = await request(address, image, controller.signal);
      return mine === latest ? answer : null;
    } catch (error) {
      if (mine !== latest) return null;
      throw error;
    }
  }

  return {
    /** The digit of a picture. */
    predict: (image, centre) => ask(`/api/predict?stages=true&centre=${encodeURIComponent(centre)}`, image),
    /** The numbers of a picture. */
    read: (image) => ask('/api/read', image),
    cancel,
  };
}

async function request(address, bytes, signal) {
  const send = () => post(address, bytes, signal);
  let response = await send();
  if (response.status === 429) {
    await pause(response.headers.get('Retry-After'), signal);
    response = await send();
  }
  if (response.status === 429) throw new Error('The service is busy. Try again in a moment.');
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Error(answer?.error ?? `The service responded with status ${response.status}.`);
  if (answer === null) throw new Error('The response of the service is not JSON.');
  return answer;
}

async function post(address, bytes, signal) {
  try {
    return await fetch(address, { method: 'POST', body: bytes, headers: { 'Content-Type': bytes.type }, signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Error('The service does not answer. Is it still running?');
  }
}

function pause(retryAfter, signal) {
  const seconds = Math.min(Number(retryAfter) || 1, MAX_RETRY_SECONDS);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
