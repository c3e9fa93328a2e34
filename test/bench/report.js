/**
 * Results, as one value for programs and as tables for people.
 *
 * @module
 */

import { bare, floorOf, loginScenarios, ours, peer, requestScenarios } from './scenarios.js'
import { subtract, summarize } from './statistics.js'

/** Builds the result: for each scenario what each app costs over the floor, and the ratios. */
export function buildResult({ samples, startUp, rss, ...rest }) {
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
  return { ...rest, scenarios, startUp: buildStartUp(startUp), rssAfterLoad: rss }
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

/** Writes the tables in Markdown. */
export function renderResult(result) {
  return [
    renderMachine(result),
    renderTable(
      ['CPU of the app’s process', 'Countersign', peer, 'peer ÷ ours', 'ours ÷ peer', 'floor'],
      result.scenarios.map((scenario) => [
        `${scenario.title}${scenario.measure === 'over' ? ', over the floor' : ''}`,
        renderSpread(scenario[ours][scenario.measure]),
        renderSpread(scenario[peer][scenario.measure]),
        renderRatio(scenario, scenario.ratio.peerToOurs),
        renderRatio(scenario, scenario.ratio.oursToPeer),
        renderSpread(scenario[ours].floor),
      ]),
    ),
    renderTable(['', 'Express alone', 'Countersign', peer], renderOthers(result)),
    ...Object.entries(result.profiles ?? {}).map(renderProfile),
  ].join('\n\n')
}

function renderMachine({ versions, cpu, cores, sizes, date }) {
  const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  const where = cores ? 'the app pinned to one, all others to another' : 'not pinned'
  return (
    `${date}. ${names.join(', ')}. ${cpu.model}, ${cpu.count} cores, ${where}. ` +
    `${sizes.rounds} rounds of ${sizes.requests} requests over ${sizes.sessions} sessions and of ` +
    `${sizes.logins} logins. Medians, and in brackets the middle half.`
  )
}

function renderOthers({ startUp, rssAfterLoad, cookieBytes, footprint }) {
  const kinds = [bare, ours, peer]
  const afterLoad = (kind) =>
    Object.entries(rssAfterLoad).find(([name]) => name.split(' ')[0] === kind)[1]
  const added = (kind, render) => {
    if (kind === bare) return '–'
    return footprint ? render(footprint[kind]) : 'not measured'
  }
  return [
    ['Start-up, CPU', ...kinds.map((kind) => renderSpread(startUp[kind].cpu))],
    ['Start-up, wall time', ...kinds.map((kind) => renderSpread(startUp[kind].elapsed))],
    ['RSS after the start', ...kinds.map((kind) => renderBytes(startUp[kind].rss.median))],
    ['RSS after the load', ...kinds.map((kind) => renderBytes(afterLoad(kind)))],
    ['Session cookie', '–', ...[ours, peer].map((kind) => `${cookieBytes[kind]} bytes`)],
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

function renderTable(head, rows) {
  const lines = [head, head.map((_, index) => (index === 0 ? '---' : '---:')), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** A ratio says something only where there is something to compare. */
function renderRatio(scenario, ratio) {
  const isMeasurable = [ours, peer].every((kind) => scenario[kind][scenario.measure].low > 0)
  return isMeasurable ? ratio.toFixed(ratio < 10 ? 2 : 1) : 'not measurable'
}

function renderSpread({ median, low, high }) {
  return `${renderTime(median)} [${renderTime(low)}, ${renderTime(high)}]`
}

function renderTime(time) {
  if (Math.abs(time) < 1000) return `${time.toFixed(Math.abs(time) < 100 ? 1 : 0)} µs`
  return `${(time / 1000).toFixed(time < 100_000 ? 2 : 0)} ms`
}

function renderBytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
