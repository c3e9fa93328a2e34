/**
 * The sessions of all End-Users, as an administrator sees and ends them.
 *
 * @module
 */

import { ProviderError, SessionError } from './errors.ts'
import { buildEventError } from './events.ts'
import type { Registration } from './registration.ts'
import type { Origin } from './session/ended-sessions.ts'
import type { StoredSession } from './session/server-sessions.ts'
import { revokeTokens } from './tokens/revocation.ts'
import type { Wiring } from './wiring.ts'

/** One session, as an administrator sees it: no tokens, and nothing that signs anybody in. */
export interface SessionInfo {
  /** What `end` takes. Of no use to a browser: its cookie is sealed. */
  readonly id: string
  readonly sub: string
  readonly issuer: string
  /** The provider's id, where the app has several. */
  readonly provider: string | undefined
  /** The provider's session id. */
  readonly sid: string | undefined
  readonly acr: string | undefined
  /** When the End-User signed in here. NumericDate. */
  readonly createdAt: number
}

/** Whose sessions. */
export interface SessionsOf {
  /** The provider's id. MUST be given where the app has several: a `sub` is unique at its issuer alone. */
  readonly provider?: string
}

/**
 * The sessions of all End-Users. Every method rejects with SessionError `ERR_SESSION_STORE` where the
 * store fails, or is not there: with status 500 then.
 */
export interface Administration {
  /** The sessions of an End-User, oldest first. Needs a `session.store`. */
  list(sub: string, of?: SessionsOf): Promise<readonly SessionInfo[]>
  /** Ends a session, of that provider where one is given, and tells whether it was there. Needs a `session.store`. */
  end(id: string, of?: SessionsOf): Promise<boolean>
  /**
   * Ends all sessions of an End-User, and returns how many there were, where that is known: a
   * `logout.store` only notes it.
   */
  endAll(sub: string, of?: SessionsOf): Promise<number | undefined>
}

/** How many sessions have their tokens revoked at once. */
const revokedAtOnce = 8

/** Creates the view of an administrator. */
export function createAdministration(wiring: Wiring): Administration {
  const { config, serverSessions, endedSessions, registrations, emit } = wiring

  async function findRegistration({ provider }: SessionsOf): Promise<Registration> {
    if (provider === undefined && config.hasSeveral) {
      throw new TypeError('"provider" must be given: a "sub" is unique at its issuer alone')
    }
    const found = await registrations.find(provider ?? '')
    if (!found) throw new TypeError(`there is no provider ${JSON.stringify(provider)}`)
    return found
  }

  /**
   * Nobody is going to use their tokens. Begins none after twice the time of one request: a provider that
   * hangs keeps nobody waiting for each of a thousand.
   */
  async function revokeAll(sessions: readonly StoredSession[], timeout: number): Promise<void> {
    const left = sessions.filter(hasTokens)
    const deadline = performance.now() + 2 * timeout * 1000
    const work = async () => {
      do {
        const session = left.shift()
        if (!session) return
        await revoke(session)
      } while (performance.now() < deadline)
    }
    await Promise.all(Array.from({ length: revokedAtOnce }, work))
    if (left.length === 0) return
    const message = `revoking took too long: the tokens of ${left.length} sessions were left alone`
    const error = buildEventError(new ProviderError('ERR_PROVIDER_TIMEOUT', message))
    emit({ type: 'token.revocation_failed', error })
  }

  async function revoke(session: StoredSession): Promise<void> {
    try {
      const { provider, timeout } = await registrations.of(session)
      await revokeTokens(provider, session.tokens ?? {}, { timeout, emit })
    } catch (error) {
      emit({ type: 'token.revocation_failed', error: buildEventError(error) })
    }
  }

  return {
    async list(sub, of = {}) {
      checkText(sub, 'sub')
      const { id, issuer } = await findRegistration(of)
      const store = requireStore(serverSessions, '"session.store"')
      return (await store.list({ ...originOf(id, issuer), sub })).map(describe)
    },
    async end(id, of) {
      checkText(id, 'id')
      const store = requireStore(serverSessions, '"session.store"')
      // An administrator of one tenant ends no session of another's
      if (of?.provider !== undefined && (await store.find(id))?.provider !== of.provider)
        return false
      const ended = await store.end(id)
      if (!ended) return false
      const { sub, sid } = ended.claims
      const { provider } = ended
      emit({ type: 'session.ended', by: 'administration', provider, sub, sid, sessions: 1 })
      if (hasTokens(ended)) await revoke(ended)
      return true
    },
    async endAll(sub, of = {}) {
      checkText(sub, 'sub')
      const { id, issuer: iss, timeout } = await findRegistration(of)
      const whose = { ...originOf(id, iss), sub }
      const ended = await serverSessions?.endAll(whose)
      if (!ended) await requireStore(endedSessions, '"session.store" or "logout.store"').note(whose)
      const sessions = ended?.length
      if (sessions === 0) return 0
      const { provider } = whose
      emit({ type: 'session.ended', by: 'administration', provider, sub, sessions })
      await revokeAll(ended ?? [], timeout)
      return sessions
    },
  }
}

function originOf(id: string, iss: string): Origin {
  return { iss, provider: id === '' ? undefined : id }
}

function hasTokens({ tokens }: StoredSession): boolean {
  return tokens?.refreshToken !== undefined || tokens?.accessToken !== undefined
}

function checkText(value: unknown, name: string): void {
  if (typeof value === 'string' && value !== '') return
  throw new TypeError(`"${name}" must be a string that is not empty`)
}

function requireStore<Store>(store: Store | undefined, names: string): Store {
  if (store) return store
  const message = `the sessions of an End-User cannot be found without a store in ${names}`
  throw new SessionError('ERR_SESSION_STORE', message, { status: 500 })
}

function describe({ id, provider, createdAt, claims }: StoredSession): SessionInfo {
  const { sub, iss: issuer, sid, acr } = claims
  return { id, sub, issuer, provider, sid, acr, createdAt }
}
