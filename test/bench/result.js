/**
 * One suite's samples, summed up as one value for programs.
 *
 * @module
 */

import { floorOf, loginScenarios, requestScenarios } from './scenarios.js'
import { subtract, summarize } from './statistics.js'
import { ours } from './suites.js'

/** Builds a suite's result: for each scenario what each app costs over the floor, and the ratios. */
export function buildSuiteResult(suite, { samples, startUp, rss, ...rest }) {
  const { peer } = suite
  const scenarios = [...requestScenarios, ...loginScenarios].map(({ name, title }) => {
    const [own, others] = [ours, peer].map((kind) => {
      const key = `${name}/${kind}`
      const floor = samples[floorOf(key)]
      return {
        total: summarize(samples[key]),
        over: summarize(subtract(samples[key], floor)),
        floor: summarize(floor),
      }
    })
    // A login is compared whole: the floor of one without OpenID Connect is nobody's to save
    const measure = name.startsWith('login') ? 'total' : 'over'
    const [a, b] = [own[measure].median, others[measure].median]
    return {
      name,
      title,
      measure,
      unit: 'µs',
      [ours]: own,
      [peer]: others,
      ratio: { peerToOurs: b / a, oursToPeer: a / b },
    }
  })
  const { packages, notes } = suite
  return {
    peer,
    packages,
    notes,
    ...rest,
    scenarios,
    startUp: buildStartUp(startUp),
    rssAfterLoad: rss,
  }
}

function buildStartUp(startUp) {
  return Object.fromEntries(
    Object.entries(startUp).map(([kind, samples]) => [
      kind,
      {
        cpu: summarize(samples.map(({ cpu }) => cpu)),
        elapsed: summarize(samples.map(({ elapsed }) => elapsed * 1000)),
        rss: summarize(samples.map(({ rss }) => rss)),
      },
    ]),
  )
}
