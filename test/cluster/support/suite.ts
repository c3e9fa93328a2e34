/**
 * What a cluster must show, whatever the framework and the store.
 *
 * @module
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ExampleName } from '../../support/examples.ts'
import { type Cluster, type StoreKind, startCluster } from './cluster.ts'
import { watchOutage } from './outage.ts'
import { createPatience } from './patience.ts'
import {
  count,
  inParallel,
  look,
  lookEverywhere,
  trySignIn,
  trySignOut,
  type Visit,
} from './visits.ts'

/** And ten times as many requests. */
const logins = 1000
const usersOfAll = 5
const workers = 16
/** While the load is on; two more for each login at the end, from each process. */
const looksPerLogin = 8
/** One visit of so many ends with a logout. */
const logoutEvery = 5

/** Runs two processes of an example over a store. */
export function testCluster(name: ExampleName, kind: StoreKind): void {
  describe(`two processes of the ${name} example`, () => {
    const subs = Array.from({ length: logins / usersOfAll }, (_, index) => `user-${index}`)
    const turns = Array.from({ length: logins }, (_, index) => ({
      sub: subs[index % subs.length] ?? '',
      staysSignedIn: index % logoutEvery !== 0,
    }))
    let cluster: Cluster
    let alive: readonly Visit[] = []
    let over: readonly Visit[] = []

    beforeAll(async () => {
      cluster = await startCluster(name, kind, { subs })
    })
    afterAll(() => cluster?.close())

    test('lose no session and bring none back when one is killed and started again', async () => {
      const { insist, during } = createPatience()
      const progress = createProgress()
      let disturbance: Promise<void> | undefined

      const check = (visit: Visit, expected: string) =>
        insist(`expected ${expected}`, async () => {
          const finding = await look(cluster.url, visit)
          return finding === expected ? true : finding
        })

      const disturb = (visit: Visit) =>
        during(async () => {
          await cluster.replicas[0].kill()
          await progress.made(logins / 10)
          await cluster.replicas[0].restart()
          await cluster.waitUntilReady(visit.cookie)
        })

      const visits = await inParallel(turns, workers, async ({ sub, staysSignedIn }, index) => {
        const visit = await insist('a login', () => trySignIn(cluster, sub))
        progress.make()
        if (index === logins / 2 + 1) disturbance = disturb(visit)
        for (let looks = 0; looks < looksPerLogin; looks++) await check(visit, 'signed in')
        if (staysSignedIn) return visit
        // Some requests are under way while the session ends
        const underWay = Array.from({ length: 3 }, () => look(cluster.url, visit))
        await insist('a logout', async () => {
          const finding = await trySignOut(cluster, visit)
          return finding === 'signed out' ? true : finding
        })
        await Promise.all(underWay)
        await check(visit, 'signed out')
        return visit
      })
      expect(disturbance).toBeDefined()
      await disturbance

      alive = visits.filter((_, index) => turns[index]?.staysSignedIn)
      over = visits.filter((_, index) => !turns[index]?.staysSignedIn)
      await expectAll()
    })

    test('end all sessions of an End-User whom the provider signs out', async () => {
      const gone = subs.slice(1, 4)
      const deliveries = await Promise.all(gone.map((sub) => cluster.provider.signOut(sub)))
      expect(deliveries.flat().flatMap(({ error }) => error ?? [])).toEqual([])
      over = [...over, ...alive.filter(({ sub }) => gone.includes(sub))]
      alive = alive.filter(({ sub }) => !gone.includes(sub))
      await expectAll()
    })

    test('fail while their store is killed, not after it, and lose nothing', async () => {
      const outage = await watchOutage(cluster, alive)
      expect(count(outage.before)).toEqual({ 'signed in': outage.before.length })
      expect(count(outage.during)).toEqual({ 'answered 503': outage.during.length })
      expect(count(outage.after)).toEqual({ 'signed in': outage.after.length })
      const between = Object.keys(count(outage.between))
      expect(['answered 503', 'signed in']).toEqual(expect.arrayContaining(between))
      expect(outage.visits.length).toBeGreaterThan(0)
      alive = [...alive, ...outage.visits]
      await expectAll()
    })

    /** Each process finds the same: who signed in and not out is signed in, and nobody else. */
    async function expectAll(): Promise<void> {
      const expected = (finding: string, { length }: readonly Visit[]) =>
        Array.from(cluster.replicas, () => ({ [finding]: length }))
      expect(await lookEverywhere(cluster, alive)).toEqual(expected('signed in', alive))
      expect(await lookEverywhere(cluster, over)).toEqual(expected('signed out', over))
    }
  })
}

/** Counts what is done, for whoever waits for more. */
function createProgress(): { make(): void; made(more: number): Promise<void> } {
  let done = 0
  const waiting: { readonly at: number; readonly go: () => void }[] = []
  return {
    make() {
      done += 1
      for (const { at, go } of waiting) if (done >= at) go()
    },
    made: (more) =>
      new Promise((go) => {
        waiting.push({ at: done + more, go })
      }),
  }
}
