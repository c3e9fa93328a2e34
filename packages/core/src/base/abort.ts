/**
 * Not waiting for what does not answer.
 *
 * Plain timers and listeners, all of which are taken away again: what `AbortSignal.timeout` and
 * `AbortSignal.any` leave behind is the garbage collector's to find, and under load the event loop waits
 * for it.
 *
 * @module
 */

/** Waits for a promise until the signal aborts; then throws the signal's reason. */
export async function waitUntilAborted<Value>(
  promise: Promise<Value>,
  signal: AbortSignal,
): Promise<Value> {
  let abort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason)
  })
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort)
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** Acts under a signal that aborts after some time, with a `TimeoutError`, or with another signal. */
export async function actInTime<Value>(
  limit: { readonly milliseconds: number; readonly signal?: AbortSignal | undefined },
  act: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const { milliseconds, signal } = limit
  const late = new AbortController()
  const follow = () => late.abort(signal?.reason)
  const expire = () => late.abort(new DOMException('it took too long', 'TimeoutError'))
  const timer = setTimeout(expire, milliseconds)
  if (signal?.aborted) follow()
  else signal?.addEventListener('abort', follow)
  try {
    return await act(late.signal)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', follow)
  }
}
