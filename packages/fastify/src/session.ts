/**
 * The app's own session, as `@fastify/session` makes it, in a store, or `@fastify/secure-session`, in a
 * sealed cookie.
 *
 * @module
 */

import {
  type FrameworkSession,
  readStoredSession,
  type SessionMembers,
} from '@countersign/core/node'
import type { FastifyRequest } from 'fastify'

/** A session of `@fastify/secure-session`. */
interface SecureSession {
  get(key: string): unknown
  set(key: string, value: unknown): void
  data(): SessionMembers
  regenerate(): void
}

/** A request as either plugin leaves it. */
interface SessionRequest {
  /** `null` before the plugin has seen the request, and when the app has destroyed it. */
  readonly session?: unknown
  readonly sessionStore?: unknown
  readonly server: { readonly encodeSecureSession?: (session: unknown) => string }
}

/** Creates the function that reads the session of a request. */
export function createSessionReader(
  given: FastifyRequest,
): () => FrameworkSession | null | undefined {
  const request = given as unknown as SessionRequest
  // That of @fastify/session alone: any other may be made when it is read, and is not ours to ask for
  const isInOrder = 'sessionStore' in request && Boolean(request.session)
  return () => {
    const { session, server } = request
    if (!isSecureSession(session)) {
      const found = readStoredSession(request)
      return found === null && !isInOrder ? undefined : found
    }
    return {
      get: (key) => session.get(key),
      set: (key, value) => session.set(key, value),
      members: () => session.data(),
      regenerate(members) {
        session.regenerate()
        for (const [key, value] of Object.entries(members)) session.set(key, value)
      },
      // The plugin seals it into the response
      save: () => {},
      // As @fastify/cookie writes it
      size: () => encodeURIComponent(server.encodeSecureSession?.(session) ?? '').length,
    }
  }
}

function isSecureSession(session: unknown): session is SecureSession {
  return (
    typeof session === 'object' &&
    session !== null &&
    'data' in session &&
    typeof session.data === 'function'
  )
}
