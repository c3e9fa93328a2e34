/**
 * The provider's public keys, for openid-client and for tokens that it does not read: kept for five
 * minutes, fetched again for an unknown `kid`, and still used while the provider is away.
 *
 * openid-client has a cache of its own, which it holds to for a minute when it meets an unknown `kid`:
 * an honest rotation within that minute would fail. So its cache is filled from ours for each login,
 * dated back far enough that an unknown `kid` always comes here, and the throttle is here.
 *
 * @module
 */

import { setTimeout as delay } from 'node:timers/promises'
import { createLocalJWKSet } from 'jose'
import type { Configuration } from 'openid-client'
import * as client from 'openid-client'
import type { Clock } from '../base/clock.ts'
import { isObject } from '../base/objects.ts'
import { ProviderError } from '../errors.ts'
import { buildEventError, type Emit } from '../events.ts'
import type { Fetch, FetchInit } from '../http/fetch.ts'
import { type KeySet, verifyJws } from '../jose/verify.ts'

/** The provider's JWK Set over time. */
export interface ProviderKeys {
  /** Hands the keys known so far to a configuration, and returns what fetches others for it. */
  provide(configuration: Configuration): Fetch
  /**
   * Verifies a compact JWS that anybody may have sent: for a `kid` that is not known the keys are
   * fetched again, once a second at the most, for all that ask meanwhile. `undefined` when no key
   * verifies it.
   *
   * @throws ProviderError when there are no keys
   */
  verify(jws: string, from: KeysToVerifyWith): Promise<Uint8Array | undefined>
}

/** Which keys verify. */
export interface KeysToVerifyWith {
  readonly jwksUri: string
  readonly algs: readonly string[]
}

/** Keys as they were fetched. */
interface Known {
  readonly keys: client.JWKS
  readonly keySet: KeySet
  readonly answer: Answer
  readonly at: number
}

/** Seconds after which keys are fetched again without a reason. */
const maxAge = 300
/** The age at which openid-client asks again for an unknown `kid`. */
const askAgainAge = 60
/** Milliseconds between two requests, whatever the tokens name. */
const throttle = 1000

/** As openid-client asks for it. */
const jwksRequest: FetchInit = {
  method: 'GET',
  headers: { accept: 'application/json, application/jwk-set+json' },
  redirect: 'manual',
}

/** Creates the cache of one provider's keys. */
export function createProviderKeys({
  fetch,
  clock,
  emit,
}: {
  fetch: Fetch
  clock: Clock
  emit: Emit
}): ProviderKeys {
  let known: Known | undefined
  let pending: Promise<Known> | undefined
  let lastRequest = Number.NEGATIVE_INFINITY

  async function request(...[url, init]: Parameters<Fetch>): Promise<Known> {
    const wait = lastRequest + throttle - performance.now()
    if (wait > 0) await delay(wait)
    lastRequest = performance.now()
    try {
      const answer = await read(await fetch(url, init))
      const keys = readKeys(answer, url)
      known = { keys, keySet: createLocalJWKSet(keys), answer, at: clock.now() }
      emit({ type: 'jwks.fetched', url, kids: keys.keys.map(({ kid }) => kid ?? '') })
      return known
    } catch (error) {
      emit({ type: 'jwks.failed', url, stale: known !== undefined, error: buildEventError(error) })
      if (known) return known
      throw error
    }
  }

  async function download(...[url, init]: Parameters<Fetch>): Promise<Known> {
    pending ??= request(url, { ...init, signal: undefined }).finally(() => {
      pending = undefined
    })
    return await pending
  }

  return {
    provide(configuration) {
      const given = known
      const age = given && Math.max(clock.now() - given.at, askAgainAge)
      if (given && age !== undefined && age < maxAge) {
        const uat = Math.floor(Date.now() / 1000) - age
        client.setJwksCache(configuration, { jwks: given.keys, uat })
      }
      return async (url, init) => {
        // Another login may have fetched keys since this one began; they are new enough for it
        const news = known === given ? undefined : known
        const { body, type } = (news ?? (await download(url, init))).answer
        return new Response(body, { headers: { 'content-type': type } })
      }
    },
    async verify(jws, { jwksUri, algs }) {
      const given = known && clock.now() - known.at < maxAge ? known : undefined
      const first = await verifyJws(
        jws,
        (given ?? (await download(jwksUri, jwksRequest))).keySet,
        algs,
      )
      if (!given || first.payload || !first.isKeyMissing) return first.payload
      // Fetched for another meanwhile, they are new enough for this one
      const news = known === given ? await download(jwksUri, jwksRequest) : known
      return news && (await verifyJws(jws, news.keySet, algs)).payload
    },
  }
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

async function read(response: Response): Promise<Answer> {
  const type = response.headers.get('content-type') ?? ''
  return { status: response.status, type, body: await response.text() }
}

function readKeys({ status, type, body }: Answer, url: string): client.JWKS {
  const set = status === 200 ? parse(body) : undefined
  if (isKeySet(set)) return set
  throw new ProviderError(
    'ERR_JWKS',
    `${url} did not answer with a JWK Set (status ${status}, content type "${type}")`,
    { endpoint: url },
  )
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

function isKeySet(value: unknown): value is client.JWKS {
  return isObject(value) && Array.isArray(value['keys']) && value['keys'].every(isObject)
}
