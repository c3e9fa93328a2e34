/**
 * A key in a key store as a key source: its versions pinned and looked at again in the background.
 *
 * Nothing is asked before a key is needed. One question about the versions is under way at a time. What
 * is known outlasts a store that does not answer; a failure is remembered by nobody.
 *
 * @module
 */

import { setTimeout as delay } from 'node:timers/promises'
import {
  actInTime,
  isJwsAlgorithm,
  jwsAlgorithms,
  KeyError,
  type KeyRequest,
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
/** Milliseconds for which a look is waited for where there are good keys. */
const patience = 1000
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
  checkSettings(settings)
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
      if (cause instanceof KeyError) throw cause
      const late = { reason: 'timeout', remedy: 'its package takes too long to load' } as const
      const failure = signal.aborted ? late : undefined
      throw buildStoreError({ code: 'ERR_KEY_UNAVAILABLE', name, failure, cause })
    })
  }

  async function read(signal: AbortSignal): Promise<Known> {
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

  /** What fails while good keys outlast it is reported once, by whoever began. */
  function readOnce(report?: (error: unknown) => void): Promise<Known> {
    reading ??= actInTime({ milliseconds: deadline }, read)
      .then(
        (found) => {
          known = found
          return found
        },
        (error: unknown) => {
          failedAt = performance.now()
          if (error instanceof KeyError && isGone(error)) known = undefined
          if (known) report?.(error)
          throw error
        },
      )
      .finally(() => {
        reading = undefined
      })
    return reading
  }

  /** Looks again; the last good keys outlast a failure, unless the store says that they are gone. */
  async function look({ keys: last }: Known, { report }: KeyRequest): Promise<Known['keys']> {
    try {
      return (await readOnce(report)).keys
    } catch (error) {
      if (!known) throw error
      return last
    }
  }

  return {
    name,
    async keys(request = {}) {
      if (!known) return (await readOnce()).keys
      const now = performance.now()
      const age = (now - known.readAt) / 1000
      const isDue = age >= renewAfter && now - failedAt >= retryAfter
      if (!request.renew && !isDue) return known.keys
      const last = known
      // What began before the key failed may not know yet
      if (request.renew) await reading?.catch(() => {})
      const looking = look(last, request)
      if (request.renew) return await looking
      const isOld = age >= renewAfter * tooOld
      const first = isOld ? [looking, delay(patience, last.keys, { ref: false })] : [last.keys]
      // Whoever asks next is told, when the key is gone
      looking.catch(() => {})
      return await Promise.race(first)
    },
    async close() {
      const opened = await store?.catch(() => undefined)
      await opened?.store.close?.()
    },
  }
}

/** Wrong numbers would make a timeline that nobody meant. */
function checkSettings(settings: KeyStoreSettings): void {
  const { alg, kid } = settings
  for (const name of ['wait', 'renewAfter', 'notBefore', 'notAfter'] as const) {
    const value: unknown = settings[name]
    const isNumber = typeof value === 'number' && Number.isFinite(value) && value >= 0
    if (value !== undefined && !isNumber)
      throw new TypeError(`"${name}" must be a number of seconds`)
  }
  if (alg !== undefined && !isJwsAlgorithm(alg)) {
    throw new TypeError(`"alg" must be one of ${jwsAlgorithms.join(', ')}`)
  }
  if (kid !== undefined && (typeof kid !== 'string' || kid === '')) {
    throw new TypeError('"kid" must be a text')
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
