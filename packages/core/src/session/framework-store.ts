/**
 * Sessions inside the app's own: express-session's, koa-session's, Fastify's. The login is one member of
 * it, under one key.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts'
import { ConfigurationError, SessionError } from '../errors.ts'
import type { Emit } from '../events.ts'
import type { Exchange, FrameworkSession } from '../exchange.ts'
import { isDueToRoll, isExpired, type Lifetimes } from './lifetime.ts'
import type { Session } from './session.ts'
import type { SessionHandle, SessionStore } from './store.ts'

/** What a framework store needs. */
export interface FrameworkStoreSettings {
  /** The name of the member. */
  readonly key: string
  readonly lifetimes: Lifetimes
  /** Whether a session is one of this app's providers. */
  readonly accepts: (session: Session) => boolean
  readonly clock: Clock
  readonly emit: Emit
}

/** Creates a store that keeps each session in the app's own. */
export function createFrameworkStore(settings: FrameworkStoreSettings): SessionStore {
  const key = Symbol('session')
  const open: SessionStore['open'] = (
    exchange: Exchange & { [key]?: SessionHandle },
    { isUse = true } = {},
  ) => {
    exchange[key] ??= createHandle(settings, exchange, isUse)
    return exchange[key]
  }
  return {
    open,
    inspect: (exchange) => (open(exchange).read() ? 'readable' : 'none'),
  }
}

function createHandle(
  { key, lifetimes, accepts, clock }: FrameworkStoreSettings,
  exchange: Exchange,
  isUse: boolean,
): SessionHandle {
  let session: Session | undefined
  let isRead = false

  function open(): FrameworkSession {
    const found = exchange.session?.()
    if (found) return found
    const message =
      'is "framework", and the request has no session: the middleware or plugin that makes it must ' +
      'come before oidc()'
    throw new ConfigurationError([{ path: 'session.store', message }])
  }

  function read(): Session | undefined {
    if (isRead) return session
    isRead = true
    const found = open().get(key)
    const now = clock.now()
    if (!isSession(found) || !accepts(found) || isExpired(found, lifetimes, now)) return undefined
    session = found
    if (isUse && isDueToRoll(session, lifetimes, now)) {
      session = { ...session, seenAt: now }
      open().set(key, session)
    }
    return session
  }

  return {
    load: () => undefined,
    read,
    async write(next) {
      const own = open()
      // Session fixation: who knew the session before the login does not know the one after it
      await regenerate(own)
      own.set(key, next)
      await save(own)
      isRead = true
      session = next
      return 0
    },
    async writeTokens(tokens) {
      const current = read()
      if (!current) throw new SessionError('ERR_SESSION_ENDED', 'the session has ended')
      session = { ...current, tokens }
      open().set(key, session)
      await save(open())
    },
    async clear() {
      if (!read()) return
      session = undefined
      const own = open()
      own.set(key, undefined)
      await save(own)
    },
  }
}

async function regenerate(own: FrameworkSession): Promise<void> {
  await inStore(() => own.regenerate())
}

async function save(own: FrameworkSession): Promise<void> {
  await inStore(() => own.save())
}

async function inStore(act: () => void | Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    throw new SessionError('ERR_SESSION_STORE', "the app's own session could not be saved", {
      cause: error,
    })
  }
}

function isSession(value: unknown): value is Session {
  if (typeof value !== 'object' || value === null) return false
  return 'id' in value && 'createdAt' in value && 'seenAt' in value && 'claims' in value
}
