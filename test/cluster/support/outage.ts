/**
 * A store that is killed and started again, while requests and logins go on.
 *
 * @module
 */

import { expect } from 'vitest'
import type { Cluster } from './cluster.ts'
import { look, trySignIn, type Visit } from './visits.ts'

/** What requests found, by when they began and ended. */
export interface Outage {
  readonly before: readonly string[]
  /** Between the end of the store and its start. */
  readonly during: readonly string[]
  /** Once it had answered both processes again. */
  readonly after: readonly string[]
  /** In two of these times, or while the store starts. */
  readonly between: readonly string[]
  /** The logins that were acknowledged on the way. */
  readonly visits: readonly Visit[]
}

const workers = 8
/** How many requests each of the times takes. */
const enough = 200
/** One in so many is a login. */
const loginEvery = 10

/** Kills the store and starts it again, while these visits go on, and others begin. */
export async function watchOutage(cluster: Cluster, alive: readonly Visit[]): Promise<Outage> {
  const findings = { before: [], during: [], after: [], between: [] } as Record<
    'before' | 'during' | 'after' | 'between',
    string[]
  >
  const visits: Visit[] = []
  let time: keyof typeof findings = 'before'
  let isOver = false
  let turn = 0

  async function work(): Promise<void> {
    while (!isOver) {
      turn += 1
      const visit = alive[turn % alive.length]
      if (!visit) throw new Error('nobody is signed in')
      const began = time
      const found =
        turn % loginEvery === 0 ? await begin(visit.sub) : await look(cluster.url, visit)
      findings[began === time ? began : 'between'].push(found)
    }
  }

  async function begin(sub: string): Promise<string> {
    const outcome = await trySignIn(cluster, sub)
    if (typeof outcome === 'string') return outcome
    visits.push(outcome)
    return 'signed in'
  }

  async function watch(during: keyof typeof findings): Promise<void> {
    time = during
    const length = () => findings[during].length
    await expect.poll(length, { timeout: 90_000, interval: 10 }).toBeGreaterThan(enough)
    time = 'between'
  }

  async function direct(): Promise<void> {
    try {
      await watch('before')
      await cluster.store.kill()
      await watch('during')
      await cluster.store.restart()
      await cluster.waitUntilReady(alive[0]?.cookie ?? '')
      await watch('after')
    } finally {
      isOver = true
    }
  }

  await Promise.all([direct(), ...Array.from({ length: workers }, work)])
  return { ...findings, visits }
}
