/**
 * The dress of the local provider's pages: one plain document, light and dark, that needs no script.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'

/** Text that is HTML already. Everything else is escaped where it is written. */
export interface Html {
  readonly html: string
}

/** Writes HTML; what is put into it is escaped, unless it is `Html`. */
export function html(
  parts: TemplateStringsArray,
  ...values: readonly (string | Html | readonly Html[] | undefined)[]
): Html {
  const written = values.map(write)
  return { html: parts.map((part, index) => part + (written[index] ?? '')).join('') }
}

/** Builds a whole page. */
export function buildPage({
  title,
  body,
}: {
  readonly title: string
  readonly body: Html
}): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${{ html: css }}</style>
</head>
<body>
<main>
<p class="badge">Local demo provider</p>
${body}
</main>
<footer>No passwords here, and no real accounts: this OpenID Provider runs on this machine only,
for demos and tests.</footer>
</body>
</html>
`.html
}

/** What a page may do beyond the others. */
export interface PageAllowance {
  /** The origins it may frame. */
  readonly frames: readonly string[]
  /** The one script it may run. */
  readonly script: string
}

/** Sets the headers that every page of the provider has. */
export function setPageHeaders(res: ServerResponse, allowance?: PageAllowance): void {
  res.setHeader('content-security-policy', buildContentSecurityPolicy(allowance))
  res.setHeader('referrer-policy', 'no-referrer')
  res.setHeader('x-content-type-options', 'nosniff')
}

/** Answers with a page. */
export function sendPage(res: ServerResponse, status: number, page: string): void {
  setPageHeaders(res)
  res.statusCode = status
  res.setHeader('content-type', 'text/html; charset=utf-8')
  res.setHeader('cache-control', 'no-store')
  res.end(page)
}

function write(value: string | Html | readonly Html[] | undefined): string {
  if (value === undefined) return ''
  if (typeof value === 'string') return escapeHtml(value)
  if ('html' in value) return value.html
  return value.map(({ html }) => html).join('\n')
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? character)
}

const css = `
:root{--ground:#f4f5f7;--sheet:#fff;--ink:#16181d;--soft:#5b6270;--line:#dfe2e8;--hover:#f6f7fb;
--accent:#3b4fd8;--on-accent:#fff;--tint:#eceefc;--lift:0 1px 2px rgb(20 24 40/.06),0 12px 32px rgb(20 24 40/.08)}
@media (prefers-color-scheme:dark){:root{--ground:#0f1115;--sheet:#181b21;--ink:#eceef2;--soft:#9aa2b1;
--line:#2b303a;--hover:#20242c;--accent:#98a5ff;--on-accent:#12141a;--tint:#232846;--lift:0 0 0 1px #23272f}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;min-height:100dvh;padding:1.5rem 1rem;display:flex;flex-direction:column;
align-items:center;justify-content:center;gap:1.25rem;background:var(--ground);color:var(--ink);
font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{width:100%;max-width:25rem;background:var(--sheet);border-radius:1rem;padding:2rem;box-shadow:var(--lift)}
.badge{margin:0 0 1.25rem;display:inline-flex;align-items:center;gap:.5rem;padding:.2rem .7rem;border-radius:99px;
background:var(--tint);color:var(--accent);font-size:.8rem;font-weight:600}
.badge::before{content:"";width:.45rem;height:.45rem;border-radius:50%;background:currentColor}
h1{margin:0 0 .35rem;font-size:1.45rem;line-height:1.25;letter-spacing:-.015em;font-weight:650;text-wrap:balance}
p{margin:0 0 1rem}.soft{color:var(--soft)}.soft strong{color:var(--ink);font-weight:600;overflow-wrap:anywhere}
form{margin:0}.stack{display:grid;gap:.6rem;margin:1.5rem 0 0}
button{font:inherit;color:inherit;cursor:pointer;border-radius:.7rem;border:1px solid var(--line);background:var(--sheet);
padding:.7rem .9rem;min-height:3rem;transition:background-color .12s,border-color .12s}
button:hover{background:var(--hover);border-color:var(--soft)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.account{display:flex;align-items:center;gap:.85rem;width:100%;text-align:left}
.account span{min-width:0}.account b{display:block;font-weight:600}
.account small{display:block;color:var(--soft);font-size:.85rem;overflow:hidden;text-overflow:ellipsis}
.face{flex:none;display:grid;place-items:center;width:2.5rem;height:2.5rem;border-radius:50%;background:var(--tint);
color:var(--accent);font-weight:650;font-size:.9rem}
.primary{background:var(--accent);border-color:var(--accent);color:var(--on-accent);font-weight:600}
.primary:hover{background:var(--accent);border-color:var(--accent);filter:brightness(1.08)}
.other{border-top:1px solid var(--line);margin-top:1.5rem;padding-top:1.25rem}
label{display:block;font-weight:600;font-size:.9rem;margin:0 0 .4rem}
.row{display:flex;gap:.6rem}
input{font:inherit;color:inherit;flex:1;min-width:0;padding:.6rem .8rem;min-height:3rem;border-radius:.7rem;
border:1px solid var(--line);background:var(--ground)}
.quiet{display:block;width:100%;margin-top:1rem;border-color:transparent;background:none;color:var(--soft)}
code{font:.85rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.detail{margin:1.25rem 0 0;padding:.9rem 1rem;border-radius:.7rem;background:var(--ground);border:1px solid var(--line)}
.detail p{margin:.25rem 0 0;overflow-wrap:anywhere}a{color:var(--accent)}
footer{max-width:25rem;text-align:center;text-wrap:balance;color:var(--soft);font-size:.8rem}
@media (max-width:26rem){main{padding:1.5rem 1.25rem}}
@media (prefers-reduced-motion:reduce){*{transition:none}}
`

const styleHash = sha256(css)

/**
 * `form-action` names no origin: Chrome holds it against every redirect that follows a form, and the
 * last of them leads to the app, wherever that is. oidc-provider adds the hash of the one script it
 * has, which submits a form_post response.
 */
function buildContentSecurityPolicy(allowance?: PageAllowance): string {
  const script = allowance && ` 'sha256-${sha256(allowance.script)}'`
  return [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    `script-src 'self'${script ?? ''}`,
    ...(allowance ? [`frame-src ${allowance.frames.join(' ')}`] : []),
    "base-uri 'none'",
    'form-action http: https:',
    "frame-ancestors 'none'",
  ].join('; ')
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64')
}
