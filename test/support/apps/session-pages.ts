/**
 * The pages of an app with a session of its own: the same ones in every framework.
 *
 * @module
 */

import type { Oidc, Requirements } from '@countersign/core'

/** What the app has in its session. */
export interface AppSession {
  cart?: string
}

/** A request, as the pages see it. */
export interface SessionRequest {
  readonly oidc: Oidc
  /** As it is now: a login or a logout makes another one. */
  readonly session: AppSession
  /** Destroys the app's session the way the framework does. */
  destroy(): Promise<void>
}

/** Pages by path. An answer of `undefined` was written already. */
export type Pages = Readonly<
  Record<
    string,
    { readonly guard?: Requirements; answer(request: SessionRequest): Promise<unknown> }
  >
>

const waiting: (() => void)[] = []

/** How many requests to `/slow-add` wait. */
export function countWaiting(): number {
  return waiting.length
}

/** Lets the requests to `/slow-add` go on. */
export function letGo(): void {
  for (const go of waiting.splice(0)) go()
}

/** The pages. */
export const pages: Pages = {
  '/untouched': { answer: async () => ({ text: 'untouched' }) },
  '/public': {
    answer: async ({ oidc, session: { cart } }) => ({ sub: oidc.user?.sub ?? null, cart }),
  },
  '/add': {
    async answer({ session }) {
      session.cart = 'a book'
      return { cart: session.cart }
    },
  },
  '/slow-add': {
    async answer({ session }) {
      await new Promise<void>((resolve) => waiting.push(resolve))
      session.cart = 'a late book'
      return { cart: session.cart }
    },
  },
  '/profile': { guard: {}, answer: async ({ oidc }) => oidc.user },
  '/strong': { guard: { acr: 'strong' }, answer: async ({ oidc }) => oidc.claims },
  '/token': {
    async answer({ oidc }) {
      return { token: await oidc.accessToken() }
    },
  },
  '/refresh': {
    async answer({ oidc }) {
      await oidc.refresh()
      return { token: await oidc.accessToken() }
    },
  },
  '/spill': {
    async answer({ oidc }) {
      await oidc.refresh()
      throw new Error('spilled')
    },
  },
  '/leave': {
    async answer({ oidc }) {
      await oidc.logout({ local: true, returnTo: '/public' })
    },
  },
  '/destroy': {
    async answer({ oidc, destroy }) {
      await destroy()
      await oidc.logout({ local: true, returnTo: '/public' })
    },
  },
}
