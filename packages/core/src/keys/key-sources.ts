/**
 * The key sources of one Relying Party, asked together: none is waited for that does not answer, and what
 * fails is told once, until it works again.
 *
 * @module
 */

import { KeyError } from '../errors.ts'
import { buildEventError, type Emit } from '../events.ts'
import type { KeyRequest, KeySource } from './signer.ts'

/** How the sources are asked. */
export interface KeysRequest<Key> extends Pick<KeyRequest, 'renew'> {
  /** Until when to wait, if that is sooner than the sources are given anyway. */
  readonly signal?: AbortSignal | undefined
  /** Whether the keys of one source will do, so that the others are not waited for much longer. */
  readonly isEnough?: (keys: readonly Key[]) => boolean
}

/** What the sources have answered. */
export interface KeysAnswer<Key> {
  readonly keys: readonly Key[]
  /** The sources that did not answer, and why. */
  readonly failures: readonly { readonly source: KeySource<Key>; readonly error: unknown }[]
}

/** The sources, as one. */
export interface KeySources<Key> {
  /**
   * The keys of all sources that answer; it takes all of them failing to fail.
   *
   * @throws KeyError
   */
  read(request?: KeysRequest<Key>): Promise<KeysAnswer<Key>>
  close(): Promise<void>
}

/** How long the keys of one source are waited for. Milliseconds. */
const patience = 5_000
/** How much longer the others are waited for, once there are keys that will do. Milliseconds. */
const grace = 1_000

/** What is thrown of a source that is not waited for. It says nothing about the source. */
const notWaitedFor = new KeyError('ERR_KEY_UNAVAILABLE', 'another source was quicker')

/** Puts sources together. */
export function createKeySources<Key>(
  sources: readonly KeySource<Key>[],
  emit: Emit,
): KeySources<Key> {
  /** The sources that failed when they were last asked. */
  const failing = new Set<KeySource<Key>>()

  async function ask(
    source: KeySource<Key>,
    { renew, signal }: KeysRequest<Key>,
    enough: Promise<never>,
  ): Promise<readonly Key[]> {
    const report = (error: unknown) =>
      emit({ type: 'key.reload_failed', source: source.name, error: buildEventError(error) })
    try {
      const keys = await askInTime(source, { renew, report }, signal, enough)
      failing.delete(source)
      return keys
    } catch (error) {
      if (error === notWaitedFor) throw error
      if (!failing.has(source)) report(error)
      failing.add(source)
      if (error instanceof KeyError) throw error
      throw new KeyError('ERR_KEY_UNAVAILABLE', `${source.name} cannot be used`, { cause: error })
    }
  }

  return {
    async read(request = {}) {
      let timer: NodeJS.Timeout | undefined
      let hurry = () => {}
      const enough = new Promise<never>((_, reject) => {
        hurry = () => reject(notWaitedFor)
      })
      enough.catch(() => {})
      const asked = sources.map(async (source) => {
        const keys = await ask(source, request, enough)
        if (request.isEnough?.(keys)) timer ??= setTimeout(hurry, grace)
        return keys
      })
      const results = await Promise.allSettled(asked)
      clearTimeout(timer)
      const keys = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
      const failures = results.flatMap((result, index) => {
        const source = sources[index]
        return result.status === 'rejected' && source ? [{ source, error: result.reason }] : []
      })
      const [failure] = failures
      if (keys.length === 0 && failure) throw failure.error
      return { keys, failures }
    },
    async close() {
      await Promise.allSettled(sources.map(async (source) => source.close?.()))
    },
  }
}

/** A source that does not answer is not waited for. */
async function askInTime<Key>(
  source: KeySource<Key>,
  request: KeyRequest,
  signal: AbortSignal | undefined,
  enough: Promise<never>,
): Promise<readonly Key[]> {
  let giveUp = () => {}
  const late = new Promise<never>((_, reject) => {
    // The error is only made when it is needed: its stack costs more than a signature
    giveUp = () => {
      const message = `${source.name} did not answer in time`
      reject(new KeyError('ERR_KEY_UNAVAILABLE', message, { reason: 'timeout' }))
    }
  })
  const timer = setTimeout(giveUp, patience)
  if (signal?.aborted) giveUp()
  else signal?.addEventListener('abort', giveUp)
  try {
    return await Promise.race([source.keys(request), late, enough])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', giveUp)
  }
}
