/**
 * The page that an End-User sees when a login cannot go on: one document, no script, nothing loaded
 * from anywhere.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import type { OidcResponse } from '../exchange.ts'
import { escapeText } from './html.ts'
import { buildRefusalSection, type RefusalSection, sectionStyle } from './refusal-section.ts'

/** Where a page leads. */
export interface PageLink {
  readonly label: string
  readonly href: string
}

/** What a page says. Every text is escaped here. */
export interface Page {
  readonly status: number
  readonly title: string
  readonly text: string
  /** One more paragraph, in smaller print: what exactly was missing, and why it may be. */
  readonly detail?: string | undefined
  /** What there is to choose from: one below the other, and all alike. */
  readonly choices?: readonly PageLink[]
  /** The first one is what most want to do, unless there is something to choose from. */
  readonly actions: readonly PageLink[]
  /** What the people who run the site find in their events. */
  readonly reference?: string | undefined
  /** What only developers may see: the caller knows that one is there. */
  readonly developer?: RefusalSection | undefined
  readonly headers?: Readonly<Record<string, string>>
}

const style = `
:root{color-scheme:light dark;--ink:#1a2230;--soft:#5a6578;--paper:#fff;--desk:#f2f4f8;--line:#dfe4ec;--act:#1f4fd8;--on:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e8ecf4;--soft:#9aa6ba;--paper:#171d29;--desk:#0e131c;--line:#2a3345;--act:#7aa2ff;--on:#0e131c}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--desk);color:var(--ink);font:1rem/1.6 system-ui,sans-serif}
main{width:100%;max-width:32rem;padding:2.25rem;background:var(--paper);border:1px solid var(--line);border-radius:1rem}
h1{margin:0 0 .75rem;font-size:1.5rem;line-height:1.25;letter-spacing:-.01em}
p{margin:0 0 1rem}
.detail,.reference{color:var(--soft);font-size:.875rem;overflow-wrap:anywhere}
.reference{margin:1.5rem 0 0;padding-top:1rem;border-top:1px solid var(--line)}
nav{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.5rem}
a{padding:.6rem 1.1rem;border:1px solid var(--line);border-radius:.6rem;color:var(--ink);text-decoration:none;font-weight:600}
nav:only-of-type a:first-child{border-color:var(--act);background:var(--act);color:var(--on)}
.choices{flex-direction:column}
.choices a{text-align:center}
.choices+nav a{padding:0;border:0;color:var(--soft);font-weight:400;text-decoration:underline}
a:focus-visible{outline:3px solid var(--act);outline-offset:2px}
`

const plain = { style, policy: buildPolicy(style) }
const forDevelopers = { style: style + sectionStyle, policy: buildPolicy(style + sectionStyle) }

function buildPolicy(style: string): string {
  const hash = createHash('sha256').update(style).digest('base64')
  return `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
}

/** Builds a page. Without a part for developers it may be shown to anybody. */
export function buildPage(page: Page): OidcResponse {
  const { style, policy } = page.developer ? forDevelopers : plain
  const developer = page.developer ? buildRefusalSection(page.developer) : ''
  const choices = page.choices ? `<nav class="choices">${buildLinks(page.choices)}</nav>\n` : ''
  const body = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeText(page.title)}</title>
<style>${style}</style>
<main>
<h1>${escapeText(page.title)}</h1>
<p>${escapeText(page.text)}</p>
${page.detail ? `<p class="detail">${escapeText(page.detail)}</p>\n` : ''}${choices}<nav>${buildLinks(page.actions)}</nav>
${page.reference ? `<p class="reference">Reference: <code>${escapeText(page.reference)}</code></p>\n` : ''}${developer}</main>
</html>
`
  return {
    status: page.status,
    headers: {
      'cache-control': 'no-store',
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      ...page.headers,
    },
    body,
  }
}

function buildLinks(links: readonly PageLink[]): string {
  return links
    .map(({ label, href }) => `<a href="${escapeText(href)}">${escapeText(label)}</a>`)
    .join('')
}
