/**
 * Sessions of another store that have to pass one more check, which takes a look elsewhere: whether they
 * were ended from elsewhere, whether they belong to the tenant of the request.
 *
 * @module
 */

import { SessionError } from '../errors.ts'
import { buildEventError, type Emit } from '../events.ts'
import type { Exchange } from '../exchange.ts'
import { openOnce } from './open-once.ts'
import type { Session } from './session.ts'
import type { SessionHandle, SessionStore } from './store.ts'

/**
 * What a check finds: `ended` takes the session from the browser; `hidden` leaves it alone, so that nobody
 * can end it either.
 */
export type Verdict = 'good' | 'ended' | 'hidden'

/** What the sessions have to pass. */
export interface SessionCheck {
  /** @throws SessionError */
  check(session: Session, exchange: Exchange): Promise<Verdict>
  /** Tells elsewhere that a session begins, before it does. @throws SessionError */
  begin?(session: Session, since: number): Promise<void>
  /** Tells elsewhere that a session is over, before it is. @throws SessionError */
  end?(session: Session): Promise<void>
}

/** Creates a store whose sessions pass the check. */
export function createCheckedStore(
  inner: SessionStore,
  checks: SessionCheck,
  emit: Emit,
): SessionStore {
  const open = openOnce((exchange, options) =>
    createHandle(inner.open(exchange, options), { ...checks, exchange, emit }),
  )
  return {
    open,
    inspect(exchange) {
      const found = inner.inspect(exchange)
      // One that no check lets pass would be signed in to for ever
      return found === 'readable' && !open(exchange).read() ? 'unreadable' : found
    },
  }
}

function createHandle(
  inner: SessionHandle,
  { exchange, check, begin, end, emit }: SessionCheck & { exchange: Exchange; emit: Emit },
): SessionHandle {
  let verdict: Verdict | undefined
  let failure: SessionError | undefined
  /** What is wrong with the app or its own check: told to whoever reads a session. */
  let fault: unknown
  let loading: Promise<void> | undefined

  async function judge(): Promise<void> {
    try {
      await inner.load()
      const session = inner.read()
      verdict = session ? await check(session, exchange) : 'good'
      if (verdict === 'ended' && !exchange.isStarted()) await inner.clear()
    } catch (error) {
      verdict = 'hidden'
      if (error instanceof SessionError) {
        failure = error
        emit({ type: 'session.store_failed', error: buildEventError(error) })
      } else {
        fault = error
      }
    }
  }

  function load(): Promise<void> | undefined {
    if (verdict !== undefined) return undefined
    try {
      // Nobody is there to be checked
      if (!inner.load() && !inner.read()) verdict = 'good'
      else loading ??= judge()
    } catch (error) {
      // The app is not set up for sessions
      fault = error
    }
    return loading
  }

  function read(): Session | undefined {
    if (fault) throw fault
    return verdict === 'good' ? inner.read() : undefined
  }

  return {
    load,
    read,
    get failure() {
      return failure ?? inner.failure
    },
    async write(session, since = session.createdAt) {
      await begin?.(session, since)
      const size = await inner.write(session, since)
      verdict = 'good'
      failure = undefined
      fault = undefined
      return size
    },
    writeTokens: (tokens) => inner.writeTokens(tokens),
    async clear() {
      await load()
      if (failure) throw failure
      const session = read()
      // That of another tenant: who signs out here does not sign out there
      if (verdict === 'hidden') return
      if (session) await end?.(session)
      await inner.clear()
    },
    get shared() {
      return inner.shared
    },
  }
}
