// @ts-check
/**
 * Draws what a program printed as a picture of a terminal (SVG), for the documents:
 *
 *   FORCE_COLOR=1 npx countersign doctor | node scripts/draw-terminal.mjs 'npx countersign doctor' > doctor.svg
 */

import { text } from 'node:stream/consumers'

const columns = 96
const lineHeight = 20
const characterWidth = 8.4
const margin = 20

/** Colours by the numbers of SGR. @see ECMA-48, 8.3.117 */
const colours = { 31: '#ff7b72', 32: '#7ee787', 33: '#e3b341', 36: '#79c0ff' }

const [command = ''] = process.argv.slice(2)
const printed = await text(process.stdin)
const lines = [`$ ${command}`, ...printed.trimEnd().split('\n')]
const width = Math.ceil(columns * characterWidth + 2 * margin)
const height = lines.length * lineHeight + 2 * margin

/** Select Graphic Rendition. */
const sgr = new RegExp(`(${String.fromCharCode(27)}\\[[\\d;]*m)`)

let style = { colour: '', isBold: false, isDim: false }

process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeText(command)}">
<style>text { font: 14px ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #e6edf3; white-space: pre }</style>
<rect width="${width}" height="${height}" rx="10" fill="#0d1117"/>
${lines.map(drawLine).filter(Boolean).join('\n')}
</svg>
`)

/** @param {string} line @param {number} index */
function drawLine(line, index) {
  const y = margin + index * lineHeight + 14
  let column = 0
  const parts = line.split(sgr).flatMap((part) => {
    if (sgr.test(part)) {
      for (const code of part.slice(2, -1).split(';')) change(Number(code))
      return []
    }
    const spaces = part.length - part.trimStart().length
    const x = margin + (column + spaces) * characterWidth
    column += part.length
    const shown = part.trim()
    if (shown === '') return []
    // Whatever the font: a part is as wide as its characters are in a terminal
    const length = (shown.length * characterWidth).toFixed(1)
    return [
      `<text x="${x.toFixed(1)}" y="${y}" textLength="${length}" lengthAdjust="spacingAndGlyphs"${describeStyle()}>${escapeText(shown)}</text>`,
    ]
  })
  return parts.join('')
}

/** @param {number} code */
function change(code) {
  if (code === 0) style = { colour: '', isBold: false, isDim: false }
  else if (code === 1) style = { ...style, isBold: true }
  else if (code === 2) style = { ...style, isDim: true }
  else if (code === 22) style = { ...style, isBold: false, isDim: false }
  else if (code === 39) style = { ...style, colour: '' }
  else style = { ...style, colour: /** @type {Record<number, string>} */ (colours)[code] ?? '' }
}

function describeStyle() {
  const { colour, isBold, isDim } = style
  const fill = colour || (isDim ? '#8b949e' : '')
  const rules = [...(fill ? [`fill: ${fill}`] : []), ...(isBold ? ['font-weight: 600'] : [])]
  return rules.length === 0 ? '' : ` style="${rules.join('; ')}"`
}

/** @param {string} line */
function escapeText(line) {
  return line.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
