/**
 * Refreshing the tokens of a session that several processes have: one of them at a time, and each finds
 * what the one before has left.
 *
 * A provider that rotates refresh tokens gives the new one once. So it is in the store before the lock is
 * given back, and where the store fails just then, it is tried again, and remembered for the next
 * request. It is lost only with this process: then the provider ends the session, by its own rules.
 *
 * @see RFC 9700, 4.14.2
 *
 * @module
 */

import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import { keepNewest } from '../base/newest.ts'
import { createSingleFlight } from '../base/single-flight.ts'
import { SessionError } from '../errors.ts'
import { endedMeanwhile } from '../session/ended-sessions.ts'
import type { KeptTokens, Session } from '../session/session.ts'
import type { SharedSession } from '../session/store.ts'
import { isRefused, signInAgain } from './refusal.ts'
import { isDue } from './token-lifetime.ts'

/** What refreshing takes. */
export interface SharedRefreshSettings {
  /** Asks the provider. */
  readonly request: (session: Session, refreshToken: string) => Promise<KeptTokens>
  readonly clock: Clock
}

/** One session to be refreshed. */
export interface SharedRefreshRequest {
  /** What is the same for requests that came with the same tokens. */
  readonly key: string
  readonly shared: SharedSession
  /** Keeps the tokens. */
  write(tokens: KeptTokens): Promise<void>
}

/** Refreshes the tokens of a session. They are in the store when it resolves. */
export type SharedRefresh = (session: Session, request: SharedRefreshRequest) => Promise<KeptTokens>

/** Tokens that the store has not taken. */
interface Unsaved {
  /** The refresh token that was used up for them. */
  readonly from: string
  readonly tokens: KeptTokens
}

/** Milliseconds after which a store that failed is tried again, before a request is told so. */
const retries = [100, 300, 1000, 3000]
/** Milliseconds after which it is not tried any more: the lock must outlast it. */
const retryTime = 5000
const maxUnsaved = 1000
/** Milliseconds after which it is looked whether the other process has written its tokens. */
const looks = [0, 100, 400]

/** Creates the function that refreshes. */
export function createSharedRefresh({ request, clock }: SharedRefreshSettings): SharedRefresh {
  const once = createSingleFlight<KeptTokens>()
  const unsaved = new Map<string, Unsaved>()

  async function refresh(
    session: Session,
    shared: SharedSession,
    write: SharedRefreshRequest['write'],
  ): Promise<KeptTokens> {
    let current = await load(shared)
    const left = unsaved.get(session.id)
    if (left && left.from === current.tokens?.refreshToken) {
      await save(session.id, left, write)
      current = { ...current, tokens: left.tokens }
    }
    const { tokens = {} } = current
    if (isOther(tokens, session.tokens) && !isDue(tokens, clock.now())) return tokens
    const { refreshToken } = tokens
    // It was there when this request came
    if (refreshToken === undefined) throw endedMeanwhile()
    try {
      const fresh = await request(current, refreshToken)
      await save(session.id, { from: refreshToken, tokens: fresh }, write)
      return fresh
    } catch (error) {
      // Where the store has no lock, another process may have been faster
      const others = isRefused(error) ? await awaitNews(current, shared) : undefined
      if (others) return others
      throw error
    }
  }

  async function save(
    id: string,
    news: Unsaved,
    write: SharedRefreshRequest['write'],
  ): Promise<void> {
    const started = performance.now()
    unsaved.delete(id)
    for (let attempt = 0; ; attempt++) {
      try {
        return await write(news.tokens)
      } catch (error) {
        if (!isStoreFailure(error)) throw error
        const wait = retries[attempt]
        if (wait === undefined || performance.now() - started + wait > retryTime) {
          keepNewest(unsaved, [id, news], maxUnsaved)
          throw error
        }
        await delay(wait)
      }
    }
  }

  return (session, { key, shared, write }) =>
    // What was done is in the store: whoever comes later looks there
    once(
      key,
      () => shared.alone(() => refresh(session, shared, write)),
      () => false,
    )
}

async function load(shared: SharedSession): Promise<Session> {
  const session = await shared.reload()
  if (!session) throw endedMeanwhile()
  if (session.tokens?.isRefused) throw signInAgain()
  return session
}

function isOther(tokens: KeptTokens, known: KeptTokens = {}): boolean {
  return tokens.refreshToken !== known.refreshToken || tokens.accessToken !== known.accessToken
}

/** The tokens that another process has left in place of those that were refused. */
async function awaitNews(
  { tokens: known }: Session,
  shared: SharedSession,
): Promise<KeptTokens | undefined> {
  for (const wait of looks) {
    await delay(wait)
    const { tokens = {} } = await load(shared)
    if (isOther(tokens, known)) return tokens
  }
  return undefined
}

function isStoreFailure(error: unknown): boolean {
  return error instanceof SessionError && error.code === 'ERR_SESSION_STORE'
}
