/**
 * Results as tables for people.
 *
 * @module
 */

import { renderKeys } from './keys/report.js'
import { renderSpread, renderTable, renderTime, renderVersions } from './rendering.js'
import { processOf } from './scenarios.js'
import { renderSessions } from './sessions/report.js'
import { bare, kindsOf, ours, suites, titleOf } from './suites.js'

/** Writes the tables in Markdown: one section for each suite, or the one of keys. */
export function renderResult(result) {
  if (result.keys) return [renderHead(result), renderKeys(result.keys)].join('\n\n')
  if (result.sessions) return [renderHead(result), renderSessions(result.sessions)].join('\n\n')
  const sections = Object.entries(result.suites).flatMap(([framework, measured]) =>
    renderSuite(suites[framework], measured),
  )
  return [renderMachine(result), ...sections].join('\n\n')
}

function renderHead({ versions, cpu, cores, date }) {
  const where = cores ? 'what is measured pinned to one, all others to another' : 'not pinned'
  return `${date}. ${renderVersions(versions)}. ${cpu.model}, ${cpu.count} cores, ${where}.`
}

function renderMachine({ sizes, ...result }) {
  return (
    `${renderHead(result)} ${sizes.rounds} rounds of ${sizes.requests} requests over ` +
    `${sizes.sessions} sessions and of ${sizes.logins} logins. Medians, and in brackets the middle half.`
  )
}

function renderSuite(suite, measured) {
  const { peer, notes } = suite
  const titles = kindsOf(suite).map((kind) => titleOf(suite, kind))
  return [
    `### ${suite.title}`,
    `${renderVersions(measured.versions)}.`,
    renderTable(
      [
        'CPU of the app’s process',
        ...titles.slice(1),
        'peer ÷ ours',
        'ours ÷ peer',
        `floor: ${titles[0]}`,
      ],
      measured.scenarios.map((scenario) => [
        `${scenario.title}${scenario.measure === 'over' ? ', over the floor' : ''}`,
        renderSpread(scenario[ours][scenario.measure]),
        renderSpread(scenario[peer][scenario.measure]),
        renderRatio(suite, scenario, scenario.ratio.peerToOurs),
        renderRatio(suite, scenario, scenario.ratio.oursToPeer),
        renderSpread(scenario[ours].floor),
      ]),
    ),
    notes.join(' '),
    renderTable(['', ...titles], renderOthers(suite, measured)),
    ...Object.entries(measured.profiles ?? {}).map(renderProfile),
  ]
}

function renderOthers(suite, { startUp, rssAfterLoad, cookieBytes, footprint }) {
  const kinds = kindsOf(suite)
  const added = (kind, render) => {
    if (kind === bare) return '–'
    return footprint ? render(footprint[kind]) : 'not measured'
  }
  return [
    ['Start-up, CPU', ...kinds.map((kind) => renderSpread(startUp[kind].cpu))],
    ['Start-up, wall time', ...kinds.map((kind) => renderSpread(startUp[kind].elapsed))],
    ['RSS after the start', ...kinds.map((kind) => renderBytes(startUp[kind].rss.median))],
    ['RSS after the load', ...kinds.map((kind) => renderBytes(rssAfterLoad[processOf(kind)]))],
    ['Session cookie', '–', ...kinds.slice(1).map((kind) => `${cookieBytes[kind]} bytes`)],
    ['Packages added', ...kinds.map((kind) => added(kind, ({ packages }) => `${packages}`))],
    [
      'Installed size added',
      ...kinds.map((kind) => added(kind, ({ bytes }) => renderBytes(bytes))),
    ],
  ]
}

function renderProfile([name, { total, shares }]) {
  const least = total / 200
  const rows = shares
    .filter(({ cpu }) => cpu >= least)
    .map(({ place, cpu }) => [place, renderTime(cpu), `${((100 * cpu) / total).toFixed(1)} %`])
  return renderTable([`Profile: ${name}`, renderTime(total), ''], rows)
}

/** A ratio says something only where there is something to compare. */
function renderRatio({ peer }, scenario, ratio) {
  const isMeasurable = [ours, peer].every((kind) => scenario[kind][scenario.measure].low > 0)
  return isMeasurable ? ratio.toFixed(ratio < 10 ? 2 : 1) : 'not measurable'
}

function renderBytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
