import { TidemarkError } from '../../errors.ts'

/** What a key store holds can't be made out. */
export function damaged(): TidemarkError {
  return new TidemarkError('USAGE', 'it is damaged or truncated, or no key store at all')
}

/** Its checksum or its padding is wrong. */
export function wrongPassword(): TidemarkError {
  return new TidemarkError('USAGE', 'its password is wrong, or it is damaged')
}

/** It is protected in a way that is not read here; `what` names it. */
export function unsupported(what: string): TidemarkError {
  return new TidemarkError('USAGE', `it uses ${what}, which is not supported`, {
    hint: 'Convert it: keytool -importkeystore -srckeystore OLD -destkeystore NEW -deststoretype PKCS12, with Java 17 or newer',
  })
}
