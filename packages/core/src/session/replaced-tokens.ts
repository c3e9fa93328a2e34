/**
 * Tokens that this process has replaced, in sessions that somebody else writes too.
 *
 * A session of a framework is written as a whole. A request that has read it before a refresh, and changes
 * it after, writes the old tokens over the new ones; and a provider takes a refresh token that is used
 * again for a stolen one (RFC 9700, 4.14.2). So what has replaced which tokens is remembered for a while.
 *
 * @module
 */

import { keepNewest } from '../base/newest.ts'
import type { KeptTokens, Session } from './session.ts'

/** What has replaced which tokens. */
export interface ReplacedTokens {
  /** Notes the tokens that a session has now in place of others. */
  note(session: Session, replaced: KeptTokens | undefined): void
  /** The session with the last tokens that are known of it. */
  update(session: Session): Session
}

/** Sessions whose tokens are remembered: some megabytes at the most. */
const maxRemembered = 1000

/** Creates an empty memory. */
export function createReplacedTokens(): ReplacedTokens {
  const successors = new Map<string, KeptTokens | undefined>()
  return {
    note({ id, tokens }, replaced) {
      // What is in use again has no successor: so there are no circles
      successors.delete(buildKey(id, tokens))
      if (buildKey(id, tokens) === buildKey(id, replaced)) return
      keepNewest(successors, [buildKey(id, replaced), tokens], maxRemembered)
    },
    update(session) {
      const { id } = session
      let { tokens } = session
      while (successors.has(buildKey(id, tokens))) tokens = successors.get(buildKey(id, tokens))
      return tokens === session.tokens ? session : { ...session, tokens }
    },
  }
}

function buildKey(id: string, { accessToken, refreshToken, idToken }: KeptTokens = {}): string {
  return JSON.stringify([id, accessToken, refreshToken, idToken])
}
