// @ts-check
/**
 * The pages of the example: plain HTML, light and dark, no script, nothing loaded from anywhere. They know
 * no framework, and are the same in every example.
 */

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { icon, mark, style } from './look.js'

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
 *   place: string
 *   keyIds: readonly string[]
 * }} page `place` is where the session lives; `keyIds` is empty where the app has a client secret instead
 */
export function profilePage({ oidc: { user, claims }, issuer, place, keyIds }) {
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
<p class="line">Signed in at <b>${issuer}</b>, with a session in ${place}</p></div>
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
