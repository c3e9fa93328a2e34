/**
 * Figures and tables, as all reports write them.
 *
 * @module
 */

/** A table in Markdown: its first column is of words, and all others of figures. */
export function renderTable(head, rows) {
  const lines = [head, head.map((_, index) => (index === 0 ? '---' : '---:')), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** A median and the middle half. */
export function renderSpread({ median, low, high }) {
  return `${renderTime(median)} [${renderTime(low)}, ${renderTime(high)}]`
}

/** Microseconds. */
export function renderTime(time) {
  if (Math.abs(time) < 1000) return `${time.toFixed(Math.abs(time) < 100 ? 1 : 0)} µs`
  return `${(time / 1000).toFixed(time < 100_000 ? 2 : 0)} ms`
}

/** Packages with their versions. */
export function renderVersions(versions) {
  return Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')
}
