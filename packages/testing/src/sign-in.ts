/**
 * The End-User's part of a login: who signs in, or that nobody does.
 *
 * In `page` mode a browser is asked; in `auto` mode the answer is known beforehand.
 *
 * @module
 */

/// <reference path="./oidc-provider.d.ts" />
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Grant, Interaction, Provider } from 'oidc-provider/lib/provider.js'
import { type Account, buildAccount, findByHint } from './account.ts'
import { sendPage } from './page.ts'
import { consentPage, overPage, signInPage } from './pages.ts'
import { readBody } from './request-body.ts'
import { readRequestedAcr } from './requested-acr.ts'
import type { SignInAnswer } from './sign-in-answer.ts'

/** What signing in needs of the provider. */
export interface SignInParts {
  readonly engine: () => Provider
  /** Every account by its `sub`. Somebody who types a name is added. */
  readonly accounts: Map<string, Account>
  /** The accounts that the page lists. */
  readonly listed: readonly Account[]
  readonly mode: 'page' | 'auto'
  /** The path that all others are below; empty where there is none. */
  readonly mountPath: string
  /** Takes the answer for the next login out of the queue, in `auto` mode. */
  readonly nextAnswer: () => SignInAnswer | undefined
}

type Handler = (req: IncomingMessage, res: ServerResponse) => Promise<void>

/** Creates the handler of `/sign-in/<uid>`. */
export function createSignIn(parts: SignInParts): Handler {
  return async function signIn(req, res) {
    const interaction = await parts
      .engine()
      .interactionDetails(req, res)
      .catch(() => undefined)
    if (interaction === undefined) return sendPage(res, 400, overPage())
    const answer =
      parts.mode === 'auto'
        ? automaticAnswer(parts, interaction)
        : req.method === 'POST'
          ? readAnswer(parts, interaction, await readForm(req))
          : undefined
    if (answer !== undefined) return finish(parts, { req, res, interaction, answer })
    return sendPage(res, 200, await renderQuestion(parts, interaction))
  }
}

function automaticAnswer(
  parts: SignInParts,
  { prompt, params, session }: Interaction,
): SignInAnswer {
  // A consent page follows a sign-in of this very request: the answer has been used.
  if (prompt.name === 'consent' && session?.accountId !== undefined) {
    return { sub: session.accountId }
  }
  const answer = parts.nextAnswer()
  if (answer !== undefined) return answer
  const hint = params['login_hint']
  const hinted = hint === undefined ? undefined : findByHint(parts.accounts.values(), hint)
  const account = hinted ?? parts.listed[0]
  return account === undefined ? { error: 'access_denied' } : { sub: account.sub }
}

function readAnswer(
  parts: SignInParts,
  { prompt, session }: Interaction,
  form: URLSearchParams,
): SignInAnswer | undefined {
  if (form.has('cancel')) {
    return { error: 'access_denied', error_description: 'the End-User cancelled the sign-in' }
  }
  if (prompt.name === 'consent') {
    return form.has('consent') && session?.accountId !== undefined
      ? { sub: session.accountId }
      : undefined
  }
  const sub = form.get('sub')
  if (sub !== null && parts.accounts.has(sub)) return { sub }
  const somebody = form.get('somebody')?.trim().slice(0, 100)
  if (somebody === undefined || somebody === '') return undefined
  const account = findByHint(parts.accounts.values(), somebody) ?? buildAccount(somebody)
  if (!parts.accounts.has(account.sub)) parts.accounts.set(account.sub, account)
  return { sub: account.sub }
}

async function finish(
  parts: SignInParts,
  exchange: {
    readonly req: IncomingMessage
    readonly res: ServerResponse
    readonly interaction: Interaction
    readonly answer: SignInAnswer
  },
): Promise<void> {
  const { req, res, interaction, answer } = exchange
  const engine = parts.engine()
  if ('error' in answer) {
    return engine.interactionFinished(req, res, answer, { mergeWithLastSubmission: false })
  }
  if (interaction.prompt.name === 'consent') {
    const grant = await findGrant(engine, interaction, answer.sub)
    const asked = interaction.params['scope'] ?? ''
    grant.addOIDCScope([asked, ...(interaction.prompt.details.missingOIDCScope ?? [])].join(' '))
    return engine.interactionFinished(req, res, { consent: { grantId: await grant.save() } })
  }
  const account = parts.accounts.get(answer.sub)
  const login = {
    accountId: answer.sub,
    acr: answer.acr ?? account?.acr ?? readRequestedAcr(interaction.params)[0],
    amr: answer.amr ?? account?.amr ?? ['pwd'],
    ts: answer.authTime ?? Math.floor(Date.now() / 1000),
  }
  const { name } = interaction.prompt
  const result = name === 'login' ? { login } : { login, [name]: {} }
  return engine.interactionFinished(req, res, result, { mergeWithLastSubmission: false })
}

async function findGrant(
  engine: Provider,
  { grantId, params }: Interaction,
  accountId: string,
): Promise<Grant> {
  const known = grantId === undefined ? undefined : await engine.Grant.find(grantId)
  return known ?? new engine.Grant({ accountId, clientId: params['client_id'] ?? '' })
}

async function renderQuestion(parts: SignInParts, interaction: Interaction): Promise<string> {
  const { uid, params, prompt, session } = interaction
  const client = await parts.engine().Client.find(params['client_id'] ?? '')
  const app = client?.clientName ?? client?.clientId ?? 'the app'
  const action = `${parts.mountPath}/sign-in/${uid}`
  if (prompt.name === 'consent') {
    const account = parts.accounts.get(session?.accountId ?? '')
    const scopes = (params['scope'] ?? '').split(' ').filter((scope) => scope !== '')
    return consentPage({ action, app, account, scopes })
  }
  const hint = params['login_hint']
  const hinted = hint === undefined ? undefined : findByHint(parts.listed, hint)
  return signInPage({
    action,
    app,
    accounts: parts.listed,
    hinted,
    typed: hinted === undefined ? hint : undefined,
    reason: explain(interaction),
  })
}

function explain({ prompt, session }: Interaction): string | undefined {
  if (session?.accountId === undefined) return undefined
  if (prompt.reasons.includes('acr_values')) return 'It asks for a stronger sign-in.'
  return 'It asks you to sign in again.'
}

async function readForm(req: IncomingMessage): Promise<URLSearchParams> {
  return new URLSearchParams((await readBody(req)).toString())
}
