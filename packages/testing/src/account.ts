/**
 * The people who can sign in at the local provider.
 *
 * @module
 */

/** One End-User of the local provider. */
export interface Account {
  /** The Subject Identifier. */
  readonly sub: string
  /** Claims in wire names. `name` and `email` are what the sign-in page shows. */
  readonly claims?: { readonly [name: string]: unknown }
  /**
   * The `acr` that this End-User's sign-in reaches. Absent: the first of the requested `acr_values`,
   * so that a step-up succeeds.
   */
  readonly acr?: string
  /** The `amr` of this End-User's sign-in. Default `['pwd']`. */
  readonly amr?: readonly string[]
}

/** Who can sign in when nobody else is named: Ada Lovelace, Grace Hopper and Alan Turing. */
export const defaultAccounts: readonly Account[] = [
  person('ada', 'Ada', 'Lovelace', 'ada@example.com'),
  person('grace', 'Grace', 'Hopper', 'grace@example.com'),
  person('alan', 'Alan', 'Turing', 'alan@example.com'),
]

/** The claims that each scope lets through. @see OpenID Connect Core 1.0, 5.4 */
export const scopeClaims: { readonly [scope: string]: readonly string[] } = {
  openid: ['sub', 'acr', 'amr', 'auth_time'],
  profile: [
    'name',
    'family_name',
    'given_name',
    'middle_name',
    'nickname',
    'preferred_username',
    'profile',
    'picture',
    'website',
    'gender',
    'birthdate',
    'zoneinfo',
    'locale',
    'updated_at',
  ],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified'],
}

/** What a page calls an account: its name, else its e-mail address, else its `sub`. */
export function accountName({ sub, claims }: Account): string {
  return text(claims?.['name']) ?? text(claims?.['email']) ?? sub
}

/** The line below the name on a page, where there is one. */
export function accountDetail(account: Account): string | undefined {
  const email = text(account.claims?.['email'])
  return email === accountName(account) ? undefined : email
}

/** An account for whoever types a name or an e-mail address into the sign-in page. */
export function buildAccount(typed: string): Account {
  const slug = typed
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
  const sub = slug === '' ? 'somebody' : slug
  if (typed.includes('@')) return { sub, claims: { email: typed, email_verified: true } }
  return { sub, claims: { name: typed, email: `${sub}@example.com`, email_verified: true } }
}

/** Finds the account that a `login_hint` means: by `sub`, e-mail address or name. */
export function findByHint(accounts: Iterable<Account>, hint: string): Account | undefined {
  const wanted = hint.toLowerCase()
  for (const account of accounts) {
    const { sub, claims } = account
    const names = [sub, text(claims?.['email']), text(claims?.['name'])]
    if (names.some((name) => name?.toLowerCase() === wanted)) return account
  }
  return undefined
}

function person(sub: string, given_name: string, family_name: string, email: string): Account {
  const name = `${given_name} ${family_name}`
  const claims = { name, given_name, family_name, preferred_username: sub, email }
  return { sub, claims: { ...claims, email_verified: true, locale: 'en' } }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
