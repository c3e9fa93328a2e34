/**
 * Sessions of another store that have to pass one more check, which takes a look elsewhere: whether they
 * were ended from elsewhere, whether they belong to the tenant of the request.
 *
 * @module
 */

import { SessionError } from '../errors.ts'
import { buildEventError, type Emit } from '../events.ts'
import type { Exchange } from '../exchange.ts'
import type { Session } from './session.ts'
import type { SessionHandle, SessionStore } from './store.ts'

/** What a check finds: `ended` takes the session from the browser, `hidden` leaves it alone. */
export type Verdict = 'good' | 'ended' | 'hidden'

/** Checks a session. @throws SessionError */
export type SessionCheck = (session: Session, exchange: Exchange) => Promise<Verdict>

/** Creates a store whose sessions pass the check. */
export function createCheckedStore(
  inner: SessionStore,
  check: SessionCheck,
  emit: Emit,
): SessionStore {
  const key = Symbol('session')
  return {
    open(exchange: Exchange & { [key]?: SessionHandle }, options) {
      exchange[key] ??= createHandle(inner.open(exchange, options), { exchange, check, emit })
      return exchange[key]
    },
    inspect: (exchange) => inner.inspect(exchange),
  }
}

function createHandle(
  inner: SessionHandle,
  { exchange, check, emit }: { exchange: Exchange; check: SessionCheck; emit: Emit },
): SessionHandle {
  let verdict: Verdict | undefined
  let failure: SessionError | undefined
  let loading: Promise<void> | undefined

  async function judge(): Promise<void> {
    try {
      await inner.load()
      const session = inner.read()
      verdict = session ? await check(session, exchange) : 'good'
      if (verdict === 'ended' && !exchange.isStarted()) await inner.clear()
    } catch (error) {
      verdict = 'hidden'
      if (!(error instanceof SessionError)) throw error
      failure = error
      emit({ type: 'session.store_failed', error: buildEventError(error) })
    }
  }

  return {
    load() {
      if (verdict !== undefined) return undefined
      // Nobody is there to be checked
      if (!inner.load() && !inner.read()) verdict = 'good'
      else loading ??= judge()
      return loading
    },
    read: () => (verdict === 'good' ? inner.read() : undefined),
    get failure() {
      return failure ?? inner.failure
    },
    async write(session) {
      const size = await inner.write(session)
      verdict = 'good'
      failure = undefined
      return size
    },
    writeTokens: (tokens) => inner.writeTokens(tokens),
    clear: () => inner.clear(),
    get shared() {
      return inner.shared
    },
  }
}
