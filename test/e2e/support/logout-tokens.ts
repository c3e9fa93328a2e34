/**
 * Logout Tokens of the provider double, right or wrong, and the apps that get them.
 *
 * @module
 */

import { randomUUID } from 'node:crypto'
import type { SessionBackend } from '@countersign/core'
import session from 'express-session'
import type { IdTokenBehaviour } from '../../support/double/behaviour.ts'
import { signIdToken } from '../../support/double/signing.ts'
import type { Double } from '../../support/provider-double.ts'
import { type Setting, signIn } from '../../support/setting.ts'
import type { UserAgent } from '../../support/user-agent.ts'

/** The member of `events` that makes a token a Logout Token. */
export const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'

/** Signs a Logout Token. Claims are added, or put in place of the right ones; `undefined` leaves one out. */
export function signLogoutToken(
  { issuer, keys }: Double,
  claims: Readonly<Record<string, unknown>>,
  behaviour: IdTokenBehaviour = {},
): string {
  const iat = Math.floor(Date.now() / 1000)
  const own = { iss: issuer, aud: 'app', iat, exp: iat + 120, jti: randomUUID() }
  const all = { ...own, events: { [logoutEvent]: {} }, ...claims }
  const present = Object.entries(all).filter(([, value]) => value !== undefined)
  return signIdToken(Object.fromEntries(present), keys, behaviour)
}

/** Posts a form to the back channel of an app, as a provider does. */
export async function postToBackChannel(
  url: string,
  form: Readonly<Record<string, string>> | URLSearchParams | string,
  init: RequestInit = {},
): Promise<Response> {
  const body = typeof form === 'string' ? form : new URLSearchParams(form)
  return await fetch(`${url}/backchannel-logout`, { method: 'POST', body, ...init })
}

/** The members of a JSON answer. */
export async function readJson(answer: Response): Promise<Readonly<Record<string, unknown>>> {
  return (await answer.json()) as Readonly<Record<string, unknown>>
}

/** Signs in at the app as somebody, in a session of the provider's. */
export async function signInAs(setting: Setting, sub: string, sid?: string): Promise<UserAgent> {
  const { behave } = setting.provider
  behave.sub = sub
  if (sid === undefined) delete behave.sid
  else behave.sid = sid
  return await signIn(setting)
}

/** Whether the app knows who it is. */
export async function isSignedIn(
  { app }: Pick<Setting, 'app'>,
  browser: UserAgent,
): Promise<boolean> {
  return JSON.parse((await browser.navigate(`${app.url}/public`)).text).isAuthenticated
}

/** A store that fails when it is told to. */
export interface UnreliableStore extends SessionBackend {
  isDown: boolean
  /** How many records it has. */
  count(): Promise<number>
}

/** Opens express-session's MemoryStore, which can be told to fail. */
export function openUnreliableStore(): UnreliableStore {
  const store = new session.MemoryStore()
  const inTime =
    <Arguments extends readonly unknown[]>(act: (...args: Arguments) => void) =>
    (...args: Arguments) => {
      const done = args.at(-1)
      if (own.isDown && typeof done === 'function') done(new Error('the store is down'))
      else act(...args)
    }
  const own: UnreliableStore = {
    isDown: false,
    count: () =>
      new Promise((resolve, reject) =>
        store.length((error, length = 0) => (error ? reject(error) : resolve(length))),
      ),
    get: inTime(store.get.bind(store)),
    set: inTime(store.set.bind(store)),
    destroy: inTime(store.destroy.bind(store)),
    touch: inTime(store.touch.bind(store)),
  }
  return own
}
