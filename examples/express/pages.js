// @ts-check
/**
 * The pages of the example: plain HTML, light and dark, no script, nothing loaded from anywhere. They know
 * no framework, and are the same in every example.
 */

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** @typedef {Readonly<Record<string, unknown>>} Claims */
/** @typedef {Claims & { sub: string, name?: string, preferred_username?: string, email?: string }} User */
/** @typedef {{ readonly markup: string }} Html */

/** @param {{ user: User | undefined, issuer: string }} page */
export function homePage({ user, issuer }) {
  if (user) {
    return layout({
      title: 'Home',
      user,
      body: html`<section class="hero">
${person(user, html`Hello, ${shortName(user)}`)}
<p class="lead">You are signed in. Your profile shows what <b>${hostOf(issuer)}</b> told this app.</p>
<div class="actions"><a class="button primary" href="/profile">See your profile</a>
${signOutForm('button')}</div>
</section>`,
    })
  }
  return layout({
    title: 'Home',
    body: html`<section class="hero">
<h1>Sign in, countersigned.</h1>
<p class="lead">You prove who you are to your provider. This app proves who <em>it</em> is with a
private key that it never gives away: no client secret to share, or to leak.</p>
<div class="actions"><a class="button primary" href="/login">Sign in</a>
<a class="button" href="/profile">Open a protected page</a></div>
</section>
<ol class="steps">
<li><h2>You sign in</h2><p>at <b>${hostOf(issuer)}</b>, which sends you back with a code.</p></li>
<li><h2>The app signs</h2><p>a short-lived assertion with its key, and hands it in with the code.</p></li>
<li><h2>The provider checks</h2><p>it against the <a href="/.well-known/jwks.json">public keys</a> that this
app publishes.</p></li>
</ol>`,
  })
}

/**
 * @param {{
 *   oidc: { user: User | undefined, claims: Claims | undefined }
 *   issuer: string
 *   keyIds: readonly string[]
 * }} page `keyIds` is empty where the app has a client secret instead
 */
export function profilePage({ oidc: { user, claims }, issuer, keyIds }) {
  if (!user || !claims) throw new TypeError('the profile page is for somebody who is signed in')
  const protocol = Object.entries(claims).filter(([name]) => !(name in user))
  return layout({
    title: 'Your profile',
    user,
    body: html`<article class="sheet">
<header>${person(user, shortName(user))}</header>
${claimsTable('About you', Object.entries(user))}
${claimsTable('About this sign-in', protocol)}
<footer class="signatures">
<div><p class="hand">${shortName(user)}</p>
<p class="line">Signed in at <b>${issuer}</b></p></div>
<div>${
      keyIds.length === 0
        ? html`<p class="hand">this app</p><p class="line">Signed in with a client secret</p>`
        : html`<p class="keys">${keyIds.map((keyId) => html`<code>${keyId}</code>`)}</p>
<p class="line">Countersigned with <b>private_key_jwt</b> by ${keyIds.length === 1 ? 'this key' : 'one of these keys'} of the app’s
<a href="/.well-known/jwks.json">JWK Set</a></p>`
    }</div>
</footer>
</article>`,
  })
}

/** The answer at every address that has no page. */
export function notFoundPage() {
  const body = html`<section class="hero">
<h1>Not found</h1>
<p class="lead">There is no page at this address.</p>
<div class="actions"><a class="button primary" href="/">Back to the start</a></div>
</section>`
  return layout({ title: 'Not found', body })
}

/** Asks this very app for the public keys that it publishes. @param {number} port */
export async function readKeyIds(port) {
  try {
    const url = `http://127.0.0.1:${port}/.well-known/jwks.json`
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) })
    const { keys } = /** @type {{ keys: { kid: string }[] }} */ (await response.json())
    return keys.map(({ kid }) => kid)
  } catch {
    return []
  }
}

/** @param {{ title: string, user?: User | undefined, body: Html }} page */
function layout({ title, user, body }) {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Countersign example</title>
<link rel="icon" href="${icon}">
<style>${raw(style)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="bar">
<a class="brand" href="/">${raw(mark)}<span>Countersign</span></a>
<nav aria-label="Main">${
    user
      ? html`<a href="/profile">Profile</a>${signOutForm('link')}`
      : html`<a href="/login">Sign in</a>`
  }</nav>
</header>
<main id="main">
${body}
</main>
<footer class="foot"><p>A small app with <code>${adapter}</code></p>
<nav aria-label="For programs"><a href="/api/me">/api/me</a>
<a href="/.well-known/jwks.json">JWK Set</a></nav></footer>
</body>
</html>
`.markup
}

/** Signing out changes something, so it is a form and not a link. @param {string} look */
function signOutForm(look) {
  return html`<form method="post" action="/logout"><button class="${look}">Sign out</button></form>`
}

/** @param {User} user @param {string | Html} heading */
function person(user, heading) {
  const { email } = user
  return html`<div class="person"><span class="avatar" aria-hidden="true">${initials(user)}</span>
<div><h1>${heading}</h1>${email && email !== shortName(user) ? html`<p class="soft">${email}</p>` : ''}</div></div>`
}

/** @param {string} caption @param {readonly [name: string, value: unknown][]} claims */
function claimsTable(caption, claims) {
  return html`<table>
<caption>${caption}</caption>
<thead class="unseen"><tr><th scope="col">Claim</th><th scope="col">Value</th></tr></thead>
<tbody>
${claims.map(
  ([
    name,
    value,
  ]) => html`<tr><th scope="row"><code>${breakable(name)}</code></th><td>${claim(name, value)}</td></tr>
`,
)}</tbody>
</table>`
}

/** Lets a long name break after an underscore. @param {string} name */
function breakable(name) {
  return name
    .split(/(?<=_)/)
    .map((part, index) => (index === 0 ? html`${part}` : html`<wbr>${part}`))
}

/** Claims that are moments, in seconds since 1970. */
const moments = ['auth_time', 'exp', 'iat', 'nbf', 'updated_at']

const clock = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'long',
  timeStyle: 'medium',
  timeZone: 'UTC',
})

/** @param {string} name @param {unknown} value @returns {string | Html} */
function claim(name, value) {
  if (typeof value === 'string') return value
  if (typeof value === 'number' && moments.includes(name)) {
    const date = new Date(value * 1000)
    if (!Number.isNaN(date.getTime())) {
      return html`<time datetime="${date.toISOString()}">${clock.format(date)} UTC</time>
<code class="soft">${String(value)}</code>`
    }
  }
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) {
    return value.join(', ')
  }
  const isObject = typeof value === 'object' && value !== null
  return isObject
    ? html`<pre>${JSON.stringify(value, null, 2)}</pre>`
    : html`<code>${String(value)}</code>`
}

/** @param {User} user */
function shortName({ name, preferred_username, email, sub }) {
  return [name, preferred_username, email, sub].find((text) => text) ?? sub
}

/** @param {User} user */
function initials(user) {
  const words = shortName(user).match(/[\p{L}\p{N}]+/gu) ?? ['?']
  const letters = [words[0], words.length > 1 ? words.at(-1) : ''].map(
    (word) => [...(word ?? '')][0],
  )
  return letters.join('').toUpperCase()
}

/** @param {string} url */
function hostOf(url) {
  return new URL(url).host
}

/** @typedef {string | Html | readonly Html[]} Part */

/** Writes HTML. All that is put into it is escaped, unless it is HTML itself. */
function html(/** @type {TemplateStringsArray} */ strings, /** @type {Part[]} */ ...parts) {
  return raw(strings.map((string, index) => string + write(parts[index] ?? '')).join(''))
}

/** @param {Part} part @returns {string} */
function write(part) {
  if (typeof part === 'string')
    return part.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
  return 'markup' in part ? part.markup : part.map(write).join('')
}

/** @param {string} markup @returns {Html} */
function raw(markup) {
  return { markup }
}

/** Two strokes of a pen, the second over the first. @param {string} first @param {string} second */
function drawMark(first, second) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true" fill="none" stroke-width="3.2" stroke-linecap="round" stroke-linejoin="round"><path stroke="${first}" d="M3 17.5c2 1.6 3.5 3.5 4.6 5.8C10 16.4 13.6 11 18.8 6.5"/><path stroke="${second}" d="M12.6 19.4c1.2 1.2 2.1 2.500 2.800 3.900C18.200 17 22.600 11.5 29 7.500"/></svg>`
}

const mark = drawMark('currentColor', 'var(--accent)')
const icon = `data:image/svg+xml,${encodeURIComponent(drawMark('#8a90a0', '#5b70f0'))}`

const style = `
:root{--desk:#f5f3ee;--paper:#fffefb;--ink:#1a1d27;--soft:#5d6270;--line:#e3ded3;--accent:#2f46c0;--on-accent:#fff;
--tint:#eceefb;--shade:0 1px 2px rgb(40 34 20/.05),0 14px 40px rgb(40 34 20/.07)}
@media (prefers-color-scheme:dark){:root{--desk:#101218;--paper:#181b23;--ink:#eceae4;--soft:#a2a6b3;--line:#2b2f3b;
--accent:#a3b1ff;--on-accent:#10131f;--tint:#232946;--shade:0 0 0 1px #22262f}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;background:var(--desk);color:var(--ink);
font:1rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;-webkit-text-size-adjust:100%}
.bar,main,.foot{width:min(100% - 3rem,51rem);margin:0 auto}
.bar,.foot,.bar nav,.foot nav,.brand,.actions,.person{display:flex;align-items:center}
.bar,.foot{justify-content:space-between;flex-wrap:wrap;gap:.5rem 1.5rem}
.bar{padding-block:1.1rem}.bar nav,.foot nav{gap:1.5rem}
.brand{gap:.6rem;font-weight:650;letter-spacing:-.01em;color:inherit;text-decoration:none}
.brand svg{display:block;width:1.9rem;height:1.9rem}
main{flex:1 0 auto;padding-block:clamp(1.5rem,6vw,4rem) 3rem}
.foot{padding-block:1.25rem;border-top:1px solid var(--line);color:var(--soft);font-size:.875rem}.foot p{margin:0}
a{color:var(--accent);text-underline-offset:.2em;text-decoration-thickness:1px}
.bar nav a,.foot a,.link{color:var(--soft);text-decoration:none}
.bar nav a:hover,.foot a:hover,.link:hover{color:var(--ink);text-decoration:underline}
.link{border:0;padding:.25rem 0;background:none;font:inherit;cursor:pointer;text-underline-offset:.2em}
form{margin:0}
:focus-visible{outline:3px solid var(--accent);outline-offset:3px;border-radius:.3rem}
.skip{position:absolute;left:1rem;top:-5rem;z-index:1;padding:.6rem 1rem;border-radius:.6rem;background:var(--paper)}
.skip:focus{top:1rem}
h1{margin:0;font-size:clamp(2rem,6vw,3rem);line-height:1.12;letter-spacing:-.03em;font-weight:700;text-wrap:balance;overflow-wrap:anywhere}
.hero{max-width:40rem}.hero h1+.lead{margin-top:1rem}
.lead{margin:1.5rem 0 0;font-size:clamp(1.05rem,2.4vw,1.2rem);color:var(--soft);text-wrap:pretty}.lead b,.lead em{color:var(--ink)}
.lead b{font-weight:600;overflow-wrap:anywhere}
.actions{flex-wrap:wrap;gap:.75rem;margin-top:2rem}
.button{display:inline-block;padding:.7rem 1.3rem;border:1px solid var(--line);border-radius:.75rem;background:var(--paper);
color:var(--ink);font:inherit;font-weight:600;text-decoration:none;cursor:pointer;transition:border-color .12s,filter .12s}
.button:hover{border-color:var(--soft)}
.primary{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}.primary:hover{filter:brightness(1.1)}
.steps{display:grid;grid-template-columns:repeat(auto-fit,minmax(14rem,1fr));gap:1.5rem 2.5rem;margin:clamp(2.5rem,8vw,4.5rem) 0 0;
padding:0;list-style:none;counter-reset:step}
.steps li{counter-increment:step;padding-top:1rem;border-top:2px solid var(--line)}
.steps li::before{content:counter(step);display:block;color:var(--accent);font-weight:700;font-variant-numeric:tabular-nums}
.steps h2{margin:.15rem 0 .35rem;font-size:1.05rem;line-height:1.35;letter-spacing:-.01em}
.steps p{margin:0;color:var(--soft);font-size:.95rem}.steps b{color:var(--ink);font-weight:600;overflow-wrap:anywhere}
.person{gap:1.1rem}.person p{margin:.25rem 0 0;overflow-wrap:anywhere}.person>div{min-width:0}
.avatar{flex:none;display:grid;place-items:center;width:4rem;height:4rem;border-radius:50%;background:var(--tint);color:var(--accent);
font-size:1.35rem;font-weight:650}
.soft{color:var(--soft)}
.sheet{padding:clamp(1.25rem,5vw,3rem);border:1px solid var(--line);border-radius:1.25rem;background:var(--paper);box-shadow:var(--shade)}
.sheet h1{font-size:clamp(1.5rem,4vw,2rem)}
table{width:100%;margin-top:2.25rem;border-collapse:collapse;table-layout:fixed}
caption{padding-bottom:.6rem;text-align:left;font-weight:650;letter-spacing:-.01em}
tbody th,td{padding:.6rem 0;border-top:1px solid var(--line);text-align:left;vertical-align:baseline;font-weight:400;overflow-wrap:anywhere}
tbody th,thead th:first-child{width:32%}tbody th{padding-right:1rem;color:var(--soft)}
.unseen th{height:0;padding:0;border:0;font-size:0;line-height:0}
code,pre{font:.875em/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
pre{margin:0;padding:.75rem 1rem;border-radius:.6rem;background:var(--desk);white-space:pre-wrap}
td time{margin-right:.6rem}
.signatures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,15rem),1fr));align-items:end;gap:2rem 2.5rem;margin-top:3.25rem}
.signatures p{margin:0;overflow-wrap:anywhere}
.hand{font:italic 1.7rem/1.2 "Snell Roundhand","Segoe Script","Brush Script MT","URW Chancery L","Apple Chancery","Lucida Handwriting",Georgia,serif;color:var(--accent)}
.keys code{display:block;color:var(--accent)}
.signatures .line{margin-top:.5rem;padding-top:.6rem;border-top:1.5px solid var(--ink);color:var(--soft);font-size:.875rem}
.line b{color:var(--ink);font-weight:600}
.signatures>div{display:grid;grid-template-rows:1fr auto;height:100%}.signatures .hand,.signatures .keys{align-self:end}
.signatures .line{min-height:4.5rem}
@media (max-width:34rem){.bar,main,.foot{width:calc(100% - 2.2rem)}.avatar{width:3.25rem;height:3.25rem;font-size:1.1rem}
tbody th,thead th:first-child{width:38%}.signatures .line{min-height:0}}
@media (prefers-reduced-motion:reduce){*{transition:none!important}}
@media print{.bar nav,.foot,.actions{display:none}.sheet{border:0;box-shadow:none}}
`

/** The package that this example shows. */
const adapter = readAdapter()

function readAdapter() {
  const { dependencies } = JSON.parse(
    readFileSync(new URL('package.json', import.meta.url), 'utf8'),
  )
  return Object.keys(dependencies).find((name) => name.startsWith('@countersign/')) ?? 'Countersign'
}

/** For every answer: nothing loads into a page but its own style and icon, and nobody keeps a copy. */
export const headers = {
  'Cache-Control': 'no-store',
  // No form-action: Chrome holds it against the redirects that follow a form, and signing out leads to
  // the provider
  'Content-Security-Policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    'img-src data:',
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
}
