/**
 * `countersign assertion`: a fresh client assertion, decoded and explained, and a request to try it with.
 *
 * @module
 */

import { type InspectedAssertion, type Inspection, inspect } from '@countersign/core/inspection'
import { Command } from 'commander'
import { readGlobalOptions, readOptions } from './environment.ts'
import { type ExplainedMember, explainAssertion } from './explanation.ts'
import { CommandError } from './failure.ts'
import { createPaint, escapeControls } from './paint.ts'
import { describeMissingKey } from './provider.ts'
import type { Surroundings } from './surroundings.ts'
import { clean, wrap } from './wrap.ts'

interface AssertionCommandOptions {
  readonly mask: boolean
}

/** Creates the command. */
export function createAssertionCommand(surroundings: Surroundings): Command {
  return new Command('assertion')
    .description('Make a client assertion, explain it claim by claim, and print a curl to try it.')
    .option('--mask', 'leave the assertion itself out, to show the rest to others', false)
    .action(async ({ mask }: AssertionCommandOptions, command: Command) => {
      const { envFile, json } = readGlobalOptions(command)
      const inspection = inspect(readOptions(surroundings, envFile))
      try {
        const print = json ? printJson : printText
        surroundings.stdout.write(await print(surroundings, inspection, mask))
      } finally {
        await inspection.close()
      }
    })
}

const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const masked = '…'

/** A made assertion, and the form to send it in. */
interface Made {
  readonly assertion: InspectedAssertion
  readonly form: Readonly<Record<string, string>>
}

async function make(inspection: Inspection, isMasked: boolean): Promise<Made> {
  const { clientAuth, clientId, redirectUri, preset } = inspection
  if (clientAuth !== 'private_key_jwt' && clientAuth !== 'signed_client_secret') {
    throw new CommandError(
      `this client authenticates with ${clientAuth}, and sends no assertion of a key: ${describeMissingKey(preset)}`,
    )
  }
  const assertion = await inspection.buildAssertion()
  const jws = isMasked ? masked : assertion.jws
  const proof =
    clientAuth === 'signed_client_secret'
      ? { client_secret: jws }
      : { client_assertion_type: jwtBearer, client_assertion: jws }
  const code = { code: 'there-is-none', redirect_uri: redirectUri }
  const form = { grant_type: 'authorization_code', ...code, client_id: clientId, ...proof }
  return { assertion, form }
}

async function printJson(
  _surroundings: Surroundings,
  inspection: Inspection,
  isMasked: boolean,
): Promise<string> {
  const { assertion, form } = await make(inspection, isMasked)
  const { header, claims } = assertion
  const brokenRules = await inspection.findBrokenRules(assertion)
  const { token_endpoint: endpoint } = await inspection.metadata()
  const all = { endpoint, header, claims, brokenRules, form }
  return `${escapeControls(JSON.stringify(all, undefined, 2))}\n`
}

async function printText(
  surroundings: Surroundings,
  inspection: Inspection,
  isMasked: boolean,
): Promise<string> {
  const { assertion, form } = await make(inspection, isMasked)
  const { token_endpoint: endpoint } = await inspection.metadata()
  const broken = await inspection.findBrokenRules(assertion)
  const paint = createPaint(surroundings)
  const width = Math.min(100, surroundings.columns)
  const { header, claims } = explainAssertion(inspection, assertion)
  const by = inspection.preset ? `, as ${inspection.preset.title} wants it` : ''

  const printMember = ({ name, value, what, section }: ExplainedMember): string => {
    const where = section === '' ? what : `${section}: ${what}`
    const lines = wrap(where, width - 12).map((line) => `            ${paint.dim(line)}`)
    return [`    ${paint.cyan(name.padEnd(8))}${clean(showValue(name, value))}`, ...lines].join(
      '\n',
    )
  }
  const title = (text: string) => `  ${paint.bold(text)}`
  return [
    '',
    title(`A client assertion for ${clean(endpoint)}${by}`),
    '',
    title('Header'),
    ...header.map(printMember),
    '',
    title('Claims'),
    ...claims.map(printMember),
    ...broken.map(({ message }) => `\n  ${paint.red('breaks a rule:')} ${clean(message)}`),
    '',
    title(`Good for ${inspection.assertion.lifetime} s, and for one request:`),
    '',
    buildCurl(endpoint, form),
    '',
    ...wrap(
      'There is no such code, so "invalid_grant" is the good answer: the provider has accepted the ' +
        'key. "invalid_client" is not: countersign doctor --probe says why.',
      width - 4,
    ).map((line) => `  ${paint.dim(line)}`),
    '',
    '',
  ].join('\n')
}

const moments = ['iat', 'nbf', 'exp']

function showValue(name: string, value: unknown): string {
  if (value === undefined) return '(not sent)'
  const text = JSON.stringify(value)
  if (typeof value !== 'number' || !moments.includes(name)) return text
  return `${text}, which is ${new Date(value * 1000).toISOString().replace('.000', '')}`
}

/** A command for any POSIX shell. */
function buildCurl(endpoint: string, form: Readonly<Record<string, string>>): string {
  const fields = Object.entries(form).map(([name, value]) => {
    return `  --data-urlencode ${quote(`${name}=${value}`)}`
  })
  return escapeControls([`curl ${quote(endpoint)}`, ...fields].join(' \\\n'))
}

function quote(text: string): string {
  return /^[\w./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
