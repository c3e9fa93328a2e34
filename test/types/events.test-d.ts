/** Events: told apart by `type`, and without a place for what must not be seen. */

import type { ErrorCode, EventError, OidcEvent } from '@countersign/core'
import type { Equals, Expect } from './equals.ts'

type Of<Type extends OidcEvent['type']> = Extract<OidcEvent, { readonly type: Type }>

/** The names of all members of all events. */
type Members<Event = OidcEvent> = Event extends unknown ? keyof Event : never

/** Whether a text of any kind fits into some event's member of that name. */
type Holds<Name extends string, Event = OidcEvent> = Event extends {
  readonly [K in Name]?: infer Value
}
  ? Name extends keyof Event
    ? string extends Value
      ? true
      : never
    : never
  : never

type Secret =
  | 'token'
  | 'accessToken'
  | 'refreshToken'
  | 'idToken'
  | 'code'
  | 'verifier'
  | 'codeVerifier'
  | 'secret'
  | 'key'
  | 'assertion'
  | 'nonce'
  | 'state'
  | 'claims'
  | 'headers'

// The names of today, so that a new one is looked at
type Known =
  | 'type'
  | 'returnTo'
  | 'stepUp'
  | 'sub'
  | 'sid'
  | 'duration'
  | 'reference'
  | 'error'
  | 'cookie'
  | 'local'
  | 'kind'
  | 'issuer'
  | 'stale'
  | 'url'
  | 'kids'
  | 'kid'
  | 'previous'
  | 'notBefore'
  | 'by'
  | 'provider'
  | 'sessions'
  | 'alg'
  | 'source'
  | 'header'
  | 'expected'

export type Answers = [
  Expect<Equals<Holds<Secret>, never>>,
  Expect<Equals<Extract<Members, Secret>, never>>,
  Expect<Equals<Exclude<Members, Known>, never>>,
  // The test itself can see: these are such members
  Expect<Equals<Holds<'token', { readonly token: string }>, true>>,
  Expect<Equals<Holds<'token', { readonly token?: string }>, true>>,
  Expect<Equals<Holds<'sub'>, true>>,
  Expect<Equals<keyof EventError, 'code' | 'message' | 'reason' | 'refusal' | 'causes'>>,
  Expect<Equals<EventError['code'], ErrorCode | 'ERR_UNEXPECTED'>>,
  Expect<Equals<Of<'login.succeeded'>['sub'], string>>,
  Expect<Equals<Of<'login.started'>['stepUp'], boolean>>,
]

export function tell(event: OidcEvent): string {
  // @ts-expect-error only some events have a kid
  const early: unknown = event.kid
  switch (event.type) {
    case 'login.succeeded':
      return event.sub
    case 'login.failed':
    case 'request.refused':
      return `${event.reference}: ${event.error.code}`
    case 'key.signed':
      return `${event.alg} ${event.kid}`
    // @ts-expect-error there is no such event
    case 'login.suceeded':
      return ''
    default:
      return String(early)
  }
}
