import { TidemarkError } from '../errors.ts'

/** Where a broker listens. */
export interface Address {
  readonly host: string
  readonly port: number
}

/**
 * The addresses in a list of `host:port`, as Kafka's `bootstrap.servers` has them; IPv6 hosts stand in brackets.
 * @throws TidemarkError USAGE for anything else, and for an empty list.
 */
export function parseAddresses(list: string | readonly string[]): Address[] {
  const items = (typeof list === 'string' ? [list] : list).flatMap((item) => item.split(',')).map((item) => item.trim())
  const addresses = items.filter((item) => item !== '').map(parseAddress)
  if (addresses.length === 0) {
    throw new TidemarkError('USAGE', 'no bootstrap server is named', { hint: 'Name at least one broker as host:port' })
  }
  return addresses
}

/** `host:port`, for keys and for messages. */
export function printAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function parseAddress(text: string): Address {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.%]+)\]|([^\s:/@[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host === undefined || port < 1 || port > 65_535) {
    // Somebody may have written a password, as in other URLs, and may have forgotten the @ after it.
    const shown = JSON.stringify(text.replace(/^.*@/s, '…@').replace(/:(?!\d{1,5}$).*/s, ':…'))
    throw new TidemarkError('USAGE', `the bootstrap server ${shown} is not host:port`, {
      hint: 'Name brokers as host:port, with commas between them',
    })
  }
  return { host, port }
}
