/**
 * The part of a page that only developers see: what the provider refused, and why it may have.
 *
 * @module
 */

import type { ClientRefusal, RefusalCause } from '../errors.ts'
import { capitalize, escapeText } from './html.ts'

/** What a developer is shown. Every text is escaped here. */
export interface RefusalSection {
  /** What the provider answered. */
  readonly answer: string
  readonly refusal: ClientRefusal
}

/** What the section looks like. */
export const sectionStyle = `
main:has(.developer){max-width:50rem}
body:has(.developer){place-items:start center}
.developer{margin-top:2rem;padding-top:1.5rem;border-top:1px solid var(--line);font-size:.9375rem;overflow-wrap:anywhere}
.developer h2{margin:0 0 .5rem;font-size:1.125rem}
.developer h3{margin:1.5rem 0 .5rem;font-size:.9375rem}
.developer ol{margin:0;padding:0;list-style:none;counter-reset:cause}
.developer li{position:relative;padding:.75rem 0 .75rem 2.25rem;border-top:1px solid var(--line)}
.developer li:first-child{border-top:0}
.developer li::before{counter-increment:cause;content:counter(cause);position:absolute;left:0;color:var(--soft);font-weight:600}
.developer li p{margin:0}
.developer .fix{color:var(--soft)}
.developer .rule{margin-right:.5rem;padding:.05rem .4rem;border:1px solid var(--line);border-radius:.4rem;font:.8125rem ui-monospace,monospace}
.developer pre{margin:0;padding:.75rem 1rem;border-radius:.6rem;background:var(--desk);font:.8125rem/1.6 ui-monospace,monospace;white-space:pre-wrap}
.developer a{padding:0;border:0;color:var(--act);font-weight:400;text-decoration:underline}
`

/** Builds the section. */
export function buildRefusalSection({ answer, refusal }: RefusalSection): string {
  const { header, claims, causes, command } = refusal
  return `<section class="developer">
<h2>For developers</h2>
<p>${escapeText(answer)}</p>
<h3>What it may be, the likeliest first</h3>
<ol>
${causes.map(buildCause).join('\n')}
</ol>
${buildData('Header of the client assertion', header)}${buildData('Claims of the client assertion', claims)}<h3>To look further</h3>
<pre>${escapeText(command)}</pre>
<p class="reference">Shown because the app runs at a loopback address and NODE_ENV is not production.</p>
</section>
`
}

function buildCause({ rule, message, fix, source }: RefusalCause): string {
  const text = `<p><code class="rule">${escapeText(rule)}</code>${escapeText(`${capitalize(message)}.`)}</p>`
  return `<li>${text}<p class="fix">${escapeText(`${capitalize(fix)}.`)}${buildSource(source)}</p></li>`
}

function buildSource(source: string | undefined): string {
  // A preset of the app's own may hold any text
  if (source === undefined || !/^https:\/\//.test(source) || !URL.canParse(source)) return ''
  const { host } = new URL(source)
  return ` <a href="${escapeText(source)}" rel="noreferrer">${escapeText(host)}</a>`
}

function buildData(title: string, data: Readonly<Record<string, unknown>> | undefined): string {
  if (data === undefined) return ''
  return `<h3>${title}</h3>\n<pre>${escapeText(JSON.stringify(data, null, 2))}</pre>\n`
}
