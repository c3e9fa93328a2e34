/**
 * The doctor's findings for people: one line each, and under what is not well what it means and what to
 * do.
 *
 * @module
 */

import { createPaint, type Paint } from '../paint.ts'
import { hasUnicode, type Surroundings } from '../surroundings.ts'
import { clean, wrap } from '../wrap.ts'
import { type Finding, type Outcome, type Problem, titles } from './finding.ts'

/** How findings are written. */
export interface Report {
  /** One finding, as lines. */
  buildFinding(finding: Finding): string
  /** The line at the end. */
  buildSummary(findings: readonly Finding[], summary: Summary): string
}

/** What there is to say at the end. */
export interface Summary {
  readonly seconds: number
  /** What else the doctor can do. */
  readonly hint?: string | undefined
}

/** Lines are as wide as the terminal, but never as wide as to be hard to read. */
const widest = 100
const narrowest = 30
/** What has fewer columns than this shows titles on lines of their own. */
const narrow = 60

const titleWidth = Math.max(...Object.values(titles).map(({ length }) => length)) + 2

const marks: Readonly<Record<Outcome, readonly [unicode: string, ascii: string]>> = {
  well: ['✔', '+'],
  warning: ['!', '!'],
  broken: ['✖', 'x'],
  skipped: ['–', '-'],
}

/** Creates the report for a place. */
export function createReport(
  surroundings: Surroundings,
  { isVerbose }: { readonly isVerbose: boolean },
): Report {
  const paint = createPaint(surroundings)
  const width = Math.max(narrowest, Math.min(widest, surroundings.columns)) - 1
  const isNarrow = surroundings.columns < narrow
  /** Where what was seen begins: a margin, the mark, the title. */
  const indent = isNarrow ? 4 : 4 + titleWidth
  const colours: Readonly<Record<Outcome, Paint['red']>> = {
    well: paint.green,
    warning: paint.yellow,
    broken: paint.red,
    skipped: paint.dim,
  }
  // What is well is calm
  const heads = { well: String, warning: paint.bold, broken: paint.bold, skipped: paint.dim }
  const isUnicode = hasUnicode(surroundings)

  /** Ellipses are ours; what else is not ASCII was there before. */
  const typeset = (text: string) => (isUnicode ? text : text.replaceAll('…', '...'))

  function buildProblem({ what = [], picture = [], means, fix, source }: Problem): string[] {
    return [
      ...what.flatMap((text) => indentAll(wrap(text, width - indent), indent)),
      ...picture.map((line) => ' '.repeat(indent) + dressPicture(clean(line))),
      ...buildAdvice('means', means),
      ...buildAdvice('do', fix, paint.bold),
      ...buildAdvice('see', source),
    ]
  }

  function dressPicture(line: string): string {
    return line.trimStart().startsWith('^') ? paint.red(line) : line
  }

  function buildAdvice(
    label: string,
    text: string | undefined,
    dress = (line: string): string => line,
  ): string[] {
    if (text === undefined) return []
    const margin = indent + 'means: '.length
    return indentAll(
      wrap(text, width - margin).map(dress),
      margin,
      paint.dim(`${label}:`.padEnd(7)),
    )
  }

  return {
    buildFinding(finding) {
      const { outcome, title, seen, problems, facts } = finding
      const colour = colours[outcome]
      const head = heads[outcome]
      const text = outcome === 'skipped' ? `skipped: ${seen}` : seen
      const lines = wrap(text, width - indent).map((line) =>
        outcome === 'skipped' ? paint.dim(line) : line,
      )
      const mark = colour(marks[outcome][isUnicode ? 0 : 1])
      const label = `  ${mark} ${head(title.padEnd(titleWidth))}`
      const [first = '', ...others] = lines
      const told = isNarrow
        ? [`  ${mark} ${head(title)}`, ...indentAll(lines, indent)]
        : [label + first, ...indentAll(others, indent)]
      const all = [
        ...told,
        ...problems.flatMap(buildProblem),
        ...(isVerbose ? buildFacts(facts, indent).map(paint.dim) : []),
        '',
      ]
      return typeset(all.join('\n'))
    },

    buildSummary(findings, { seconds, hint }) {
      const count = (outcome: Outcome) => findings.filter((each) => each.outcome === outcome).length
      const parts = [
        [count('broken'), 'broken', paint.red],
        [count('warning'), count('warning') === 1 ? 'warning' : 'warnings', paint.yellow],
        [count('well'), 'well', paint.green],
        [count('skipped'), 'skipped', paint.dim],
      ] as const
      const said = parts.flatMap(([number, word, colour]) =>
        number === 0 ? [] : [colour(`${number} ${word}`)],
      )
      const isWell = count('broken') + count('warning') === 0
      const head = isWell ? paint.green('All is well: ') : ''
      const end = isNarrow ? '\n  ' : ' '
      const time = seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`
      const lines = ['', `  ${head}${said.join(`,${end}`)}${end}${paint.dim(`in ${time}`)}`]
      if (hint) lines.push(...indentAll(wrap(hint, width - 2).map(paint.dim), 2))
      return [...lines, '', ''].join('\n')
    },
  }
}

/** Facts, one per line; header and claims as the JSON that they are. */
function buildFacts(facts: Finding['facts'], indent: number): string[] {
  return Object.entries(facts).map(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    return `${' '.repeat(indent)}${name}: ${clean(text)}`
  })
}

function indentAll(lines: readonly string[], margin: number, label?: string): string[] {
  return lines.map((line, index) => {
    if (index > 0 || label === undefined) return ' '.repeat(margin) + line
    return ' '.repeat(margin - 'means: '.length) + label + line
  })
}
