/**
 * What was measured of keys, as tables for people.
 *
 * @module
 */

import { renderSpread, renderTable, renderTime, renderVersions } from '../rendering.js'

/** Milliseconds of event-loop delay at the 99th percentile that a key may cause. An aim, not a check. */
const aim = 20

/** Writes the tables in Markdown. */
export function renderKeys({ rows, versions, load, sizes }) {
  const measured = rows.filter(({ skipped }) => !skipped)
  const local = measured.filter(({ loop }) => loop)
  const { rounds, rate, latency, loop, loopRounds, inFlight } = sizes
  return [
    '### Keys',
    `${renderVersions(versions)}. Load of the machine: ${load.before.toFixed(1)} before, ` +
      `${load.after.toFixed(1)} at the end.`,
    `Signatures, ${rounds} rounds of ${rate} ms each.`,
    renderTable(
      ['Signatures per second', 'Countersign', 'bare', 'ours ÷ bare', 'CPU of one: ours', 'bare'],
      measured.map((row) => [
        nameOf(row),
        renderRate(row.rate.ours),
        `${renderRate(row.rate.bare)} (${row.bare})`,
        renderRatio(row.rate.oursToBare),
        renderTime(row.cpu.ours.median),
        renderTime(row.cpu.bare.median),
      ]),
    ),
    `One at a time, ${rounds} rounds of ${latency} ms each. A client assertion is built, signed and ` +
      'verified.',
    renderTable(
      ['For a login', 'client assertion', 'bare signature', 'added'],
      measured.map((row) => [
        nameOf(row),
        renderTime(row.latency.ours.median),
        renderTime(row.latency.bare.median),
        renderSpread(row.latency.added),
      ]),
    ),
    `${inFlight} client assertions under way, ${loopRounds} times for ${loop} ms; a timer of 1 ms.`,
    renderTable(
      ['Event-loop delay', 'p99', `aim: ${aim} ms`, 'median', 'longest', 'per second', 'bare: p99'],
      local.map((row) => [
        nameOf(row),
        renderTime(row.loop.ours.p99.median),
        row.loop.ours.p99.median <= aim * 1000 ? 'met' : 'missed',
        renderTime(row.loop.ours.p50.median),
        renderTime(row.loop.ours.max.high),
        renderRate(row.loop.ours.rate),
        `${renderTime(row.loop.bare.p99.median)} at ${renderRate(row.loop.bare.rate)}`,
      ]),
    ),
    ...rows.filter(({ skipped }) => skipped).map((row) => `${nameOf(row)}: ${row.skipped}.`),
  ].join('\n\n')
}

function nameOf({ title, alg }) {
  return `${title}, ${alg}`
}

function renderRate({ median }) {
  return median.toFixed(0)
}

function renderRatio({ median, low, high }) {
  return `${median.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`
}
