/**
 * The sessions of all End-Users, as an administrator sees and ends them.
 *
 * @module
 */

import { SessionError } from './errors.ts'
import type { StoredSession } from './session/server-sessions.ts'
import { revokeTokens } from './tokens/revocation.ts'
import type { Wiring } from './wiring.ts'

/** One session, as an administrator sees it: no tokens. */
export interface SessionInfo {
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

/** The sessions of all End-Users. */
export interface Administration {
  /**
   * The sessions of an End-User, oldest first.
   *
   * @throws SessionError `ERR_SESSION_STORE` also where there is no `session.store`
   */
  list(sub: string, options?: { readonly provider?: string }): Promise<readonly SessionInfo[]>
  /** Ends a session, and tells whether it was there. @throws SessionError as `list` does */
  end(id: string): Promise<boolean>
  /**
   * Ends all sessions of an End-User, and returns how many there were, where that is known: a
   * `logout.store` only notes it.
   *
   * @throws SessionError as `list` does, where there is neither store
   */
  endAll(sub: string, options?: { readonly provider?: string }): Promise<number | undefined>
}

/** Creates the view of an administrator. */
export function createAdministration(wiring: Wiring): Administration {
  const { serverSessions, endedSessions, registrations, emit } = wiring

  function requireStore<Store>(store: Store | undefined, names: string): Store {
    if (store) return store
    const message = `sessions cannot be found without ${names}: they are in their cookies alone`
    throw new SessionError('ERR_SESSION_STORE', message, { status: 500 })
  }

  /** Nobody is going to use their tokens. */
  async function revoke(sessions: readonly StoredSession[]): Promise<void> {
    for (const session of sessions.filter(({ tokens }) => tokens !== undefined)) {
      const { provider, timeout } = await registrations.of(session)
      await revokeTokens(provider, session.tokens ?? {}, { timeout, emit })
    }
  }

  return {
    async list(sub, { provider = '' } = {}) {
      const sessions = requireStore(serverSessions, '"session.store"')
      const { issuer } = await registrations.of({ provider })
      return (await sessions.list(issuer, sub)).map(describe)
    },
    async end(id) {
      const sessions = requireStore(serverSessions, '"session.store"')
      const ended = await sessions.end(id)
      if (!ended) return false
      const { sub, sid } = ended.claims
      const { provider } = ended
      emit({ type: 'session.ended', by: 'administration', provider, sub, sid, sessions: 1 })
      await revoke([ended])
      return true
    },
    async endAll(sub, { provider = '' } = {}) {
      const { issuer } = await registrations.of({ provider })
      const ended = await serverSessions?.endAll({ iss: issuer, sub })
      if (!ended) {
        const notes = requireStore(endedSessions, '"session.store" or "logout.store"')
        await notes.note({ iss: issuer, sub })
      }
      const named = provider === '' ? {} : { provider }
      const sessions = ended?.length
      emit({ type: 'session.ended', by: 'administration', ...named, sub, sessions })
      await revoke(ended ?? [])
      return sessions
    },
  }
}

function describe({ id, provider, createdAt, claims }: StoredSession): SessionInfo {
  const { sub, iss: issuer, sid, acr } = claims
  return { id, sub, issuer, provider, sid, acr, createdAt }
}
