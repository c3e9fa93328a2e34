/**
 * Ending sessions because the provider says so: those in a store are taken away, and of others it is noted
 * that they are over.
 *
 * @module
 */

import type { Emit } from '../events.ts'
import type { EndedSessions, Whose } from '../session/ended-sessions.ts'
import type { Records } from '../session/records.ts'
import type { ServerSessions } from '../session/server-sessions.ts'

/** What ending sessions takes. Without `endedSessions`, they are in their cookies and out of reach. */
export interface EndingSettings {
  readonly serverSessions: ServerSessions | undefined
  readonly endedSessions: EndedSessions | undefined
  /** There wherever `endedSessions` is. */
  readonly records: Records | undefined
  readonly emit: Emit
}

/** Who ends sessions: the kind of logout, and the id of the registration that it came for. */
export interface Ending {
  readonly by: 'back-channel' | 'front-channel'
  readonly provider: string
}

/** Ends sessions, and tells. Their tokens go with them. @throws SessionError `ERR_SESSION_STORE` */
export async function endSessions(
  { serverSessions, endedSessions, emit }: EndingSettings,
  whose: Whose,
  ending: Ending,
): Promise<void> {
  const ended = await serverSessions?.endAll(whose)
  if (!ended) await endedSessions?.note(whose)
  const sub = whose.sub ?? ended?.[0]?.claims.sub
  tellEnd(emit, { ...ending, sub, sid: whose.sid, sessions: ended?.length })
}

/** Tells that sessions have ended. */
export function tellEnd(
  emit: Emit,
  {
    provider,
    ...event
  }: Ending & {
    readonly sub: string | undefined
    readonly sid: string | undefined
    readonly sessions: number | undefined
  },
): void {
  emit({ type: 'session.ended', ...event, ...(provider !== '' && { provider }) })
}
