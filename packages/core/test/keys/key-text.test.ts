import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readKeyText } from '../../src/keys/key-text.ts'
import { buildPublicJwk } from '../../src/keys/public-jwk.ts'
import {
  catchFault,
  generateEc,
  generateEd25519,
  generateRsa,
  signing,
  toJwk,
  toPem,
} from './support/keys.ts'

const keys = [generateEc(), generateEd25519(), generateRsa()]
const ec = keys[0] ?? generateEc()
const pem = toPem(ec)
const json = JSON.stringify({ ...toJwk(ec), kid: 'k' })
const indented = JSON.stringify({ keys: [toJwk(ec)] }, null, 2)

const toBase64 = (text: string) => Buffer.from(text).toString('base64')
const toBase64Url = (text: string) => Buffer.from(text).toString('base64url')
const escapeBreaks = (text: string) => text.replaceAll('\n', '\\n')

describe('a key is read', () => {
  test.each([
    ['as it is', pem],
    ['with literal \\n', escapeBreaks(pem)],
    ['with literal \\n, escaped twice', pem.replaceAll('\n', '\\\\n')],
    ['with literal \\r\\n', pem.replaceAll('\n', '\\r\\n')],
    ['with literal \\n and line breaks', pem.replaceAll('\n', '\\n\n')],
    ['on one line with spaces', pem.replaceAll('\n', ' ')],
    ['on one line with nothing', pem.replaceAll('\n', '')],
    ['with CRLF', pem.replaceAll('\n', '\r\n')],
    ['indented, as in YAML', pem.replaceAll('\n', '\n    ')],
    ['with a backslash at the end of each line', pem.replaceAll('\n', '\\\n')],
    ['in single quotes', `'${pem}'`],
    ['in double quotes', `"${pem}"`],
    ['in double quotes with literal \\n', `"${escapeBreaks(pem)}"`],
    ['after a quote that is not closed', `"${pem}`],
    ['after a byte order mark', `\uFEFF${pem}`],
    ['in base64', toBase64(pem)],
    ['in base64url', toBase64Url(pem)],
    ['in base64 with line breaks', toBase64(pem).replace(/.{76}/g, '$&\n')],
    ['in base64 with literal \\n', toBase64(pem).replace(/.{76}/g, '$&\\n')],
    ['in base64 in quotes', `"${toBase64(pem)}"`],
    ['in base64 of its literal \\n', toBase64(escapeBreaks(pem))],
    ['in base64 of its quotes', toBase64(`"${escapeBreaks(pem)}"`)],
    ['as a JWK', json],
    ['as a JWK in single quotes', `'${json}'`],
    ['as a JWK in double quotes, escaped', JSON.stringify(json)],
    ['as a JWK in base64', toBase64(json)],
    ['as a JWK in base64url', toBase64Url(json)],
    ['as a JWK Set', indented],
    ['as a JWK Set with literal \\n', escapeBreaks(indented)],
  ])('%s', (_, text) => {
    const materials = readKeyText(text, signing)
    expect(materials.map(({ key }) => buildPublicJwk(key))).toEqual([buildPublicJwk(ec)])
  })

  test('whatever is done to it on the way, one thing after the other', () => {
    const quote = (mark: string) => (text: string) => mark + text + mark
    const damage = fc.tuple(
      fc.constantFrom('\n', '\r\n', ' ', '', '\\n', '\\r\\n', '\n  ', '\t'),
      fc.constantFrom(quote(''), quote('"'), quote("'")),
      fc.constantFrom(String, toBase64, toBase64Url),
      fc.constantFrom(quote(''), quote('"'), quote("'"), quote('\n'), quote(' ')),
    )
    fc.assert(
      fc.property(fc.constantFrom(...keys), damage, (key, [lineBreak, inner, encode, outer]) => {
        const text = outer(encode(inner(toPem(key).replaceAll('\n', lineBreak))))
        const [material] = readKeyText(text, signing)
        expect(material && buildPublicJwk(material.key)).toEqual(buildPublicJwk(key))
      }),
      { numRuns: 300 },
    )
  })

  test('what a JWK escapes in a text of its own stays what it says', () => {
    const text = JSON.stringify({ ...toJwk(ec), kid: 'a\nb"c\\n' })
    expect(readKeyText(text, signing)[0]?.kid).toBe('a\nb"c\\n')
  })
})

describe('a text is refused', () => {
  const neither =
    'is neither a PEM ("-----BEGIN PRIVATE KEY-----"), a JWK or JWK Set ("{…}"), nor base64 of one; ' +
    'a file is named by file:./key.pem, a variable by env:NAME'
  test.each([
    ['that is empty', '', 'is empty'],
    ['that is blank', ' \n ', 'is empty'],
    ['of two quotes', '""', 'is empty'],
    ['that is a path', './key.pem', neither],
    ['that is a word', 'secret', neither],
    ['that is base64 of something else', toBase64('something else'), neither],
    ['that is the body of a PEM only', pem.split('\n').slice(1, -2).join(''), neither],
    [
      'that is half a JWK',
      json.slice(0, 60),
      'looks like JSON and is not: check that nothing is cut off or escaped',
    ],
  ])('%s', (_, text, message) => {
    expect(catchFault(() => readKeyText(text, signing))).toMatchObject({
      name: 'KeyError',
      code: 'ERR_KEY_UNAVAILABLE',
      message,
    })
  })

  test('and anything else is refused with an error of ours, never another', () => {
    const fragments = fc.constantFrom(
      '-----BEGIN ',
      'PRIVATE KEY',
      '-----',
      '-----END ',
      '{',
      '}',
      '"kty"',
      ':',
      '\\n',
      'AAAA',
      'Proc-Type: 4,ENCRYPTED',
      'DEK-Info: ',
    )
    const text = fc.oneof(
      fc.string(),
      fc.array(fragments).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(text, (given) => {
        expect(catchFault(() => readKeyText(given, signing, 'x')).code).toBe('ERR_KEY_UNAVAILABLE')
      }),
      { numRuns: 500 },
    )
  })
})
