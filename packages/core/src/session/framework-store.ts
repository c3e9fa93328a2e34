/**
 * Sessions inside the app's own: express-session's, koa-session's, Fastify's. The login is one member of
 * it, under one key, sealed: some of them are cookies that anybody can read.
 *
 * A session that somebody signs in to has a new identifier from then on. What a visitor has gathered
 * before stays in it. What another End-User has left does not, and nothing is left at logout.
 *
 * @module
 */

import { actInTime, waitUntilAborted } from '../base/abort.ts'
import type { Clock } from '../base/clock.ts'
import { keepNewest } from '../base/newest.ts'
import { ConfigurationError, SessionError } from '../errors.ts'
import type { Emit } from '../events.ts'
import type { Exchange, FrameworkSession, SessionMembers } from '../exchange.ts'
import { checkStarted } from '../http/cookies.ts'
import type { Sealer } from '../jose/seal.ts'
import { endedMeanwhile } from './ended-sessions.ts'
import { isDueToRoll, isExpired, type Lifetimes } from './lifetime.ts'
import { openOnce } from './open-once.ts'
import { createReplacedTokens, type ReplacedTokens } from './replaced-tokens.ts'
import type { Session } from './session.ts'
import type { SessionHandle, SessionStore, SharedSession } from './store.ts'

/** What a framework store needs. */
export interface FrameworkStoreSettings {
  /** The name of the member. */
  readonly key: string
  readonly lifetimes: Lifetimes
  readonly sealer: Sealer
  /** Whether a session is one of this app's providers. */
  readonly accepts: (session: Session) => boolean
  /** Seconds that the app's store may take. */
  readonly timeout: number
  /** Acts while no other process does so under this name, where there are the means. */
  readonly mutex: <Value>(of: string, act: () => Promise<Value>) => Promise<Value>
  readonly clock: Clock
  readonly emit: Emit
}

interface Settings extends FrameworkStoreSettings {
  readonly replaced: ReplacedTokens
  /** Remembers that a session has ended. */
  end(session: Session): void
}

/** Sessions of which it is remembered that they have ended. */
const maxEnded = 5000

/** What a browser keeps of a cookie (4096 bytes, RFC 6265, 6.1), less its name. */
const maxSize = 4000

/** Creates a store that keeps each session in the app's own. */
export function createFrameworkStore(given: FrameworkStoreSettings): SessionStore {
  const ended = new Map<string, true>()
  const settings: Settings = {
    ...given,
    replaced: createReplacedTokens(),
    // A slow request saves the app's session as it was before a logout, with ours in it
    accepts: (session) => !ended.has(session.id) && given.accepts(session),
    end({ id }) {
      keepNewest(ended, [id, true], maxEnded)
    },
  }
  const open = openOnce((exchange, { isUse = true }) => createHandle(settings, exchange, isUse))
  return {
    open,
    inspect(exchange) {
      const member = exchange.session?.()?.get(settings.key)
      if (member === undefined) return 'none'
      return openMember(settings, member) ? 'readable' : 'unreadable'
    },
  }
}

function createHandle(settings: Settings, exchange: Exchange, isUse: boolean): SessionHandle {
  const { key, lifetimes, sealer, mutex, replaced, clock } = settings
  const inStore = <Value>(act: () => Value | Promise<Value>) => actInStore(settings, act)
  let session: Session | undefined
  let isRead = false

  /** `null` where the app has destroyed it. */
  function find(): FrameworkSession | null {
    const found = exchange.session?.()
    if (found !== undefined) return found
    const message =
      'is "framework", and the request has no session: the middleware or plugin that makes it ' +
      '(express-session, koa-session, @fastify/session or @fastify/secure-session) must come before oidc()'
    throw new ConfigurationError([{ path: 'session.store', message }])
  }

  function demand(): FrameworkSession {
    const found = find()
    if (found) return found
    throw new SessionError('ERR_SESSION_ENDED', "the app has destroyed this request's session")
  }

  function set(next: Session): void {
    demand().set(key, sealer.seal(next))
    session = next
  }

  function isAlive(found: Session | undefined): found is Session {
    return found !== undefined && !isExpired(found, lifetimes, clock.now())
  }

  function read(): Session | undefined {
    if (isRead) return session
    const member = find()?.get(key)
    isRead = true
    if (member === undefined) return undefined
    const found = openMember(settings, member)
    if (!found) settings.emit({ type: 'session.unreadable', cookie: key })
    if (!isAlive(found)) return undefined
    session = found
    const now = clock.now()
    // Using a session keeps it alive. A response that is under way cannot carry the news
    if (isUse && !exchange.isStarted() && isDueToRoll(found, lifetimes, now)) {
      set({ ...found, seenAt: now })
    }
    return session
  }

  /** The bytes of cookies that the session takes now. A browser drops one that is too large without a word. */
  function measure(): number {
    const size = demand().size?.() ?? 0
    if (size <= maxSize) return size
    throw new SessionError(
      'ERR_COOKIE_TOO_LARGE',
      `the app's own session would be a cookie of ${size} bytes, and ${maxSize} is the limit: keep ` +
        'less in it, ask for fewer scopes or claims, keep fewer tokens ("session.keep"), or give it a store',
    )
  }

  /** Whose session it is counts, even when it has expired. */
  function isOf(next: Session, member: unknown): boolean {
    if (member === undefined) return true
    const { iss, sub } = openMember(settings, member)?.claims ?? {}
    return iss === next.claims.iss && sub === next.claims.sub
  }

  return {
    load: () => undefined,
    read,
    async write(next) {
      checkStarted(exchange)
      // A callback may come once more, and later than the logout
      if (!settings.accepts(next)) throw endedMeanwhile()
      const own = demand()
      const before = own.members()
      const kept = isOf(next, before[key]) ? before : {}
      // Session fixation: who knew the session before the login does not know the one after it
      await inStore(() => own.regenerate({ ...kept, [key]: sealer.seal(next) }))
      let size: number
      try {
        size = measure()
      } catch (error) {
        // The cookie is set when the response leaves: with what is in the session by then
        await inStore(() => demand().regenerate(before))
        throw error
      }
      await inStore(() => demand().save())
      isRead = true
      session = next
      return size
    },
    async writeTokens(tokens) {
      const current = read()
      const own = demand()
      if (!own.fetch) checkStarted(exchange)
      // A logout meanwhile is the last word
      else if (!isSame(current, await fetch(own))) session = undefined
      if (!current || !session) throw endedMeanwhile()
      set({ ...session, tokens })
      try {
        measure()
      } catch (error) {
        set(current)
        throw error
      }
      await inStore(() => own.save())
      replaced.note(session, current.tokens)
    },
    async clear() {
      const own = find()
      const current = own && read()
      isRead = true
      session = undefined
      if (!own || own.get(key) === undefined) return
      checkStarted(exchange)
      // What an End-User leaves in a session is nobody else's to see
      await inStore(() => own.regenerate({}))
      await inStore(() => demand().save())
      if (current) settings.end(current)
    },
    get shared(): SharedSession | undefined {
      const current = read()
      const own = find()
      if (!current || !own?.fetch) return undefined
      return {
        async reload() {
          const found = await fetch(own)
          if (!isSame(current, found)) session = undefined
          // Not to be written over with what this request came with
          else set(found)
          return session
        },
        adopt(tokens) {
          if (session?.id === current.id) set({ ...session, tokens })
        },
        async end() {
          session = undefined
          settings.end(current)
          own.set(key, undefined)
          await inStore(() => own.save())
        },
        alone: (act) => mutex(`refresh:${current.id}`, act),
      }
    },
  }

  async function fetch(own: FrameworkSession): Promise<Session | undefined> {
    const members: SessionMembers | undefined = await inStore(() => own.fetch?.())
    const found = openMember(settings, members?.[key])
    return isAlive(found) ? found : undefined
  }
}

function isSame(one: Session | undefined, other: Session | undefined): other is Session {
  return other !== undefined && one?.id === other.id
}

function openMember({ sealer, accepts, replaced }: Settings, member: unknown) {
  // Only we can have sealed it for this purpose, so its shape is ours
  const found =
    typeof member === 'string' ? (sealer.open(member) as Session | undefined) : undefined
  return found && accepts(found) ? replaced.update(found) : undefined
}

async function actInStore<Value>(
  { timeout }: FrameworkStoreSettings,
  act: () => Value | Promise<Value>,
): Promise<Value> {
  try {
    return await actInTime({ milliseconds: timeout * 1000 }, (signal) =>
      waitUntilAborted((async () => await act())(), signal),
    )
  } catch (error) {
    throw new SessionError('ERR_SESSION_STORE', "the store of the app's own session failed", {
      cause: error,
    })
  }
}
