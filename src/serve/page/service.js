// Asking the service. Only the answer to the latest question counts: an older one is dropped, and its request ended.

const LONGEST_WAIT_SECONDS = 10;

export function createService() {
  let asked = 0;
  let underway = null;

  /** Drops the question that is under way. */
  function forget() {
    asked += 1;
    underway?.abort();
    underway = null;
  }

  /** The answer, or null when a newer question has been asked since; throws an error whose message is for people. */
  async function ask(image, centre) {
    forget();
    const mine = asked;
    const controller = new AbortController();
    underway = controller;
    try {
      const bytes = await image;
      const answer = await predict(bytes, centre, controller.signal);
      return mine === asked ? answer : null;
    } catch (error) {
      if (mine !== asked) return null;
      throw error;
    }
  }

  return { ask, forget };
}

async function predict(bytes, centre, signal) {
  const send = () => post(bytes, centre, signal);
  let response = await send();
  if (response.status === 429) {
    await pause(response.headers.get('Retry-After'), signal);
    response = await send();
  }
  if (response.status === 429) throw new Error('The service is busy. Try again in a moment.');
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Error(answer?.error ?? `The service answered with error ${response.status}.`);
  if (answer === null) throw new Error('The answer of the service could not be read.');
  return answer;
}

async function post(bytes, centre, signal) {
  const address = `/api/predict?stages=true&centre=${encodeURIComponent(centre)}`;
  try {
    return await fetch(address, { method: 'POST', body: bytes, headers: { 'Content-Type': bytes.type }, signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Error('The service does not answer. Is it still running?');
  }
}

function pause(retryAfter, signal) {
  const seconds = Math.min(Number(retryAfter) || 1, LONGEST_WAIT_SECONDS);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
