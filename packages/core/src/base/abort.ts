/**
 * Not waiting for what does not answer.
 *
 * @module
 */

/** Waits for a promise until the signal aborts; then throws the signal's reason. */
export async function waitUntilAborted<Value>(
  promise: Promise<Value>,
  signal: AbortSignal,
): Promise<Value> {
  const settled = new AbortController()
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    const options = { once: true, signal: settled.signal }
    signal.addEventListener('abort', () => reject(signal.reason), options)
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    settled.abort()
  }
}
