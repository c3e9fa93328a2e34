/**
 * End-Users and their sessions: what they were told, and whether it still holds.
 *
 * @module
 */

import { askWith, type Browser, createBrowser } from './browser.ts'
import type { Cluster } from './cluster.ts'

/** A login that was acknowledged: the browser has the answer of the callback. */
export interface Visit {
  readonly sub: string
  readonly browser: Browser
  /** A copy of its cookies, as a thief would have them. */
  readonly cookie: string
}

/** Signs somebody in, once: the visit, or what the answer was instead. */
export async function trySignIn({ url, provider }: Cluster, sub: string): Promise<Visit | string> {
  const browser = createBrowser()
  let answer = await browser.open(`${url}/login?returnTo=/api/me`)
  for (let hop = 0; hop < 10 && answer.location !== undefined; hop++) {
    const next = new URL(answer.location)
    if (next.href === `${url}/api/me`) return { sub, browser, cookie: browser.cookies(url) }
    if (next.href.startsWith(`${provider.issuer}/authorize?`)) {
      next.searchParams.set('login_hint', sub)
    }
    answer = await browser.open(next.href)
  }
  return `answered ${answer.status}`
}

/** Signs somebody out, once: `signed out`, or what the answer was instead. */
export async function trySignOut({ url }: Cluster, { browser }: Visit): Promise<string> {
  const { status, location } = await browser.open(`${url}/logout`, 'POST')
  return location === undefined ? `answered ${status}` : 'signed out'
}

/** What a copy of somebody's cookies is good for: `signed in`, `signed out`, or what went wrong. */
export async function look(url: string, { cookie, sub }: Visit): Promise<string> {
  const { status, body } = await askWith(cookie, `${url}/api/me`)
  if (status === 401) return 'signed out'
  if (status !== 200) return `answered ${status}`
  const found = JSON.parse(body).sub
  return found === sub ? 'signed in' : `somebody else: ${found}`
}

/** Looks at all visits from both processes; returns what each process finds, and how often. */
export async function lookEverywhere(
  { replicas }: Cluster,
  visits: readonly Visit[],
): Promise<readonly Readonly<Record<string, number>>[]> {
  return await Promise.all(
    replicas.map(async ({ url }) => {
      const found = await inParallel(visits, 8, (visit) => look(url, visit))
      return count(found)
    }),
  )
}

/** How often each of these was found. */
export function count(found: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const one of found) counts[one] = (counts[one] ?? 0) + 1
  return counts
}

/** Acts on all of a list, on so many at once, and returns what came of it, in their order. */
export async function inParallel<Item, Value>(
  items: readonly Item[],
  workers: number,
  act: (item: Item, index: number) => Promise<Value>,
): Promise<readonly Value[]> {
  const values: Value[] = []
  const queue = items.entries()
  const work = async () => {
    for (const [index, item] of queue) values[index] = await act(item, index)
  }
  await Promise.all(Array.from({ length: workers }, work))
  return values
}
