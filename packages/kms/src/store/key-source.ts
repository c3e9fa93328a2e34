/**
 * A key in a key store as a key source: its versions pinned and looked at again in the background.
 *
 * Nothing is asked before a key is needed. One question about the versions is under way at a time. What
 * is known outlasts a store that does not answer; a failure is remembered by nobody.
 *
 * @module
 */

import {
  KeyError,
  type KeySource,
  type TimedSigner,
  waitUntilAborted,
} from '@countersign/core/keys'
import pLimit from 'p-limit'
import { callStore, deadline } from './call.ts'
import { buildStoreError } from './error.ts'
import type { KeyStore, KeyVersion } from './key-store.ts'
import { createSigners, readFailure, type SignerSettings } from './signers.ts'
import { buildTimeline } from './timeline.ts'

/** What is configured for a key in a key store. */
export interface KeyStoreSettings extends SignerSettings {
  /** What is configured, for messages and events. */
  readonly name: string
  /** NumericDate. */
  readonly notBefore?: number | undefined
  /** NumericDate. */
  readonly notAfter?: number | undefined
  /** Seconds from the making of a new version until it signs. Default: a day. */
  readonly wait?: number | undefined
  /** Seconds after which the versions are looked at again. Default: 60. */
  readonly renewAfter?: number | undefined
}

const defaultWait = 86_400
const defaultRenewAfter = 60
/** Of versions that were not looked at for that many times `renewAfter`, the look is waited for. */
const tooOld = 5
/** Milliseconds between attempts to look at them while the last good ones are in use. */
const retryAfter = 10_000

interface Known {
  readonly keys: readonly TimedSigner[]
  readonly versions: ReadonlyMap<string, KeyVersion>
  readonly readAt: number
}

/** Creates the key source. `open` loads what talks to the store, when a key is first needed. */
export function createKeyStoreSource(
  open: () => Promise<KeyStore>,
  settings: KeyStoreSettings,
): KeySource {
  const { name, wait = defaultWait, renewAfter = defaultRenewAfter } = settings
  let store: Promise<OpenStore> | undefined
  let known: Known | undefined
  let reading: Promise<Known> | undefined
  let failedAt = Number.NEGATIVE_INFINITY

  function openOnce(): Promise<OpenStore> {
    store ??= openStore().catch((error: unknown) => {
      store = undefined
      throw error
    })
    return store
  }

  async function openStore(): Promise<OpenStore> {
    const opened = await open()
    const limit = pLimit(opened.concurrency)
    return { store: opened, limit, buildSigners: createSigners(opened, limit, settings) }
  }

  /** Loading a vendor's package takes a second on a slow machine, and longer on a slow disk. */
  async function openInTime(signal: AbortSignal): Promise<OpenStore> {
    return await waitUntilAborted(openOnce(), signal).catch((cause: unknown) => {
      if (!signal.aborted || cause !== signal.reason) throw cause
      const failure = { reason: 'timeout', remedy: 'its package takes too long to load' } as const
      throw buildStoreError({ code: 'ERR_KEY_UNAVAILABLE', name, failure, cause })
    })
  }

  async function read(): Promise<Known> {
    const signal = AbortSignal.timeout(deadline)
    const { store: opened, limit, buildSigners } = await openInTime(signal)
    const versions = await callStore({
      limit,
      signal,
      readFailure: (error) => readFailure(opened, error),
      act: (stop) => opened.readVersions({ known: known?.versions ?? new Map(), signal: stop }),
    }).catch((cause: unknown) => {
      if (cause instanceof KeyError) throw cause
      const failure = readFailure(opened, cause)
      throw buildStoreError({ code: 'ERR_KEY_UNAVAILABLE', name, failure, cause })
    })
    if (versions.length === 0) {
      const failure = { reason: 'disabled', remedy: 'it has no version that is enabled' } as const
      throw buildStoreError({ code: 'ERR_KEY_UNAVAILABLE', name, failure, cause: undefined })
    }
    const signers = buildSigners(versions)
    const timeline = buildTimeline([...signers.keys()], { ...settings, wait })
    return {
      keys: timeline.flatMap(({ version, notBefore, notAfter }) => {
        const signer = signers.get(version)
        return signer ? [{ signer, notBefore, notAfter }] : []
      }),
      versions: new Map(versions.map((version) => [version.ref, version])),
      readAt: performance.now(),
    }
  }

  function readOnce(): Promise<Known> {
    reading ??= read()
      .then(
        (found) => {
          known = found
          return found
        },
        (error: unknown) => {
          failedAt = performance.now()
          if (error instanceof KeyError && isGone(error)) known = undefined
          throw error
        },
      )
      .finally(() => {
        reading = undefined
      })
    return reading
  }

  return {
    name,
    async keys({ renew, report } = {}) {
      if (!known) return (await readOnce()).keys
      const now = performance.now()
      const age = (now - known.readAt) / 1000
      const isDue = age >= renewAfter && now - failedAt >= retryAfter
      if (!renew && !isDue) return known.keys
      const last = known.keys
      const renewed = readOnce().then(
        ({ keys }) => keys,
        (error: unknown) => {
          report?.(error)
          if (!known) throw error
          return last
        },
      )
      if (renew || age >= renewAfter * tooOld) return await renewed
      // Whoever asks next is told, when the key is gone
      renewed.catch(() => {})
      return last
    },
    async close() {
      const opened = await store?.catch(() => undefined)
      await opened?.store.close?.()
    },
  }
}

interface OpenStore {
  readonly store: KeyStore
  readonly limit: ReturnType<typeof pLimit>
  readonly buildSigners: ReturnType<typeof createSigners>
}

/** The store has said so: what is known of the key is no longer true. */
function isGone({ reason }: KeyError): boolean {
  return reason === 'not-found' || reason === 'disabled'
}
