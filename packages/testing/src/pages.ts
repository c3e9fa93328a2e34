/**
 * The local provider's pages: sign in, consent, sign out, and what went wrong.
 *
 * @module
 */

import { type Account, accountDetail, accountName } from './account.ts'
import { buildPage, type Html, html } from './page.ts'

/** The page at the provider's own address. */
export function homePage(issuer: string): string {
  const discovery = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  return buildPage({
    title: 'Local demo provider',
    body: html`<h1>An OpenID Provider for this machine</h1>
<p class="soft">There is nothing to do here: open your app, and sign in from there.</p>
<div class="detail"><span class="soft">Its issuer</span><p><code>${issuer}</code></p></div>
<p class="stack"><a href="${discovery}">See its metadata</a></p>`,
  })
}

/** The sign-in page: one button for each account, a field for somebody else, and a way out. */
export function signInPage(options: {
  /** Where its forms go. */
  readonly action: string
  /** What the app is called. */
  readonly app: string
  readonly accounts: readonly Account[]
  /** The account that the app hinted at, which comes first. */
  readonly hinted?: Account | undefined
  /** What was hinted at, when it is none of the accounts. */
  readonly typed?: string | undefined
  /** Why somebody who is signed in sees this page. */
  readonly reason?: string | undefined
}): string {
  const { action, app, accounts, hinted, typed, reason } = options
  const others = accounts.filter((account) => account !== hinted)
  const inOrder = hinted === undefined ? others : [hinted, ...others]
  return buildPage({
    title: `Sign in to ${app}`,
    body: html`<h1>Choose who you are</h1>
<p class="soft">to continue to <strong>${app}</strong>${reason === undefined ? '' : `. ${reason}`}</p>
<form method="post" action="${action}" class="stack">
${inOrder.map(accountButton)}
</form>
<form method="post" action="${action}" class="other">
<label for="somebody">Somebody else</label>
<div class="row">
<input id="somebody" name="somebody" value="${typed}" placeholder="Name or e-mail" required
 maxlength="100" autocomplete="off" autocapitalize="words" spellcheck="false">
<button>Continue</button>
</div>
</form>
${cancelForm(action)}`,
  })
}

/** The page for `prompt=consent`. */
export function consentPage(options: {
  readonly action: string
  readonly app: string
  readonly account: Account | undefined
  readonly scopes: readonly string[]
}): string {
  const { action, app, account, scopes } = options
  return buildPage({
    title: `Continue to ${app}`,
    body: html`<h1>Continue to ${app}?</h1>
<p class="soft">You are signed in as <strong>${account && accountName(account)}</strong>.</p>
<div class="detail"><span class="soft">The app asks for</span>
<p>${scopes.map((scope) => html`<code>${scope}</code> `)}</p></div>
<form method="post" action="${action}" class="stack">
<button class="primary" name="consent" value="yes">Allow</button>
</form>
${cancelForm(action)}`,
  })
}

/** The page that asks before it signs out. `form` is oidc-provider's own, with its secret. */
export function confirmLogoutPage(options: {
  readonly form: Html
  readonly app: string | undefined
  readonly account: Account | undefined
}): string {
  const { form, app, account } = options
  const who = account && accountName(account)
  return buildPage({
    title: 'Sign out',
    body: html`<h1>Sign out?</h1>
<p class="soft">${app === undefined ? '' : html`<strong>${app}</strong> has signed you out. `}${
      who === undefined
        ? ''
        : html`You are still signed in at the provider as <strong>${who}</strong>.`
    }</p>
${form}
<div class="stack">
<button class="primary" form="op.logoutForm" name="logout" value="yes">Sign out</button>
<button form="op.logoutForm">Stay signed in at the provider</button>
</div>`,
  })
}

/**
 * The page between a logout and where it leads: a frame for each app that signs its own End-User out.
 * It goes on by itself; the link is for who will not wait.
 */
export function frontChannelLogoutPage(options: {
  readonly frames: readonly string[]
  readonly onward: string
  readonly script: string
}): string {
  const { frames, onward, script } = options
  return buildPage({
    title: 'Signing out',
    body: html`<h1>Signing out of your apps …</h1>
<p class="soft">This takes a moment. <a id="onward" href="${onward}">Go on</a></p>
${frames.map((url) => html`<iframe src="${url}" title="Sign out" hidden></iframe>`)}
<script>${{ html: script }}</script>`,
  })
}

/** The page after a logout without a `post_logout_redirect_uri`. */
export function loggedOutPage(app: string | undefined): string {
  return buildPage({
    title: 'Signed out',
    body: html`<h1>You are signed out</h1>
<p class="soft">${app === undefined ? '' : html`You left <strong>${app}</strong>. `}You can close this
page.</p>`,
  })
}

/** The page where a sign-in was, for who comes back to it. */
export function overPage(): string {
  return buildPage({
    title: 'This sign-in is over',
    body: html`<h1>This sign-in is over</h1>
<p class="soft">It was used already, or was begun in another browser. Go back to the app, and sign in from
there if you have to.</p>`,
  })
}

/** The page for a request that cannot be answered at the app. */
export function errorPage(options: {
  readonly error: string
  readonly error_description?: string | undefined
}): string {
  return buildPage({
    title: 'This request cannot be answered',
    body: html`<h1>This request cannot be answered</h1>
<p class="soft">The app sent something that this provider does not accept. Go back and try again; if
you write the app, this is what is wrong:</p>
<div class="detail"><code>${options.error}</code>${
      options.error_description === undefined ? '' : html`<p>${options.error_description}</p>`
    }</div>`,
  })
}

function accountButton(account: Account): Html {
  const detail = accountDetail(account)
  const name = accountName(account)
  return html`<button class="account" name="sub" value="${account.sub}">
<span class="face" aria-hidden="true">${initials(name)}</span>
<span><b>Continue as ${name}</b>${detail === undefined ? '' : html`<small>${detail}</small>`}</span>
</button>`
}

function cancelForm(action: string): Html {
  return html`<form method="post" action="${action}">
<button class="quiet" name="cancel" value="yes">Cancel</button>
</form>`
}

function initials(name: string): string {
  const words = name.split(/[\s@]+/).filter((word) => word !== '')
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined]
  return letters.map((word) => word?.slice(0, 1).toUpperCase() ?? '').join('')
}
