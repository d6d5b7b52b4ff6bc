// A node as its users run it: it listens, gets its certificate by AutoTLS, and then serves WSS on its port for WebSocket.
// Certificates of the broker and of the ACME server are checked against NODE_EXTRA_CA_CERTS too.
import { autoTLS } from '@ipshipyard/libp2p-auto-tls'
import { http } from '@libp2p/http'
import { keychain } from '@libp2p/keychain'
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { startNode } from './node.mjs'

// MULTIADDR…: where to listen; --announce: what to announce too; --save FILE: where to put the newest certificate.
export async function serve (options, listen) {
  const node = await startNode(options, {
    listen,
    announce: options.announce,
    services: {
      keychain: keychain(),
      http: http(),
      autoTLS: autoTLS({
        forgeEndpoint: options.broker,
        forgeDomain: options.domain,
        acmeDirectory: options.acme,
        autoConfirmAddress: true,
        provisionDelay: 100,
        ...(options['renew-before'] != null && { renewThreshold: 1000 * options['renew-before'] })
      })
    }
  })
  console.log(`id ${node.peerId}`)
  for (const event of ['certificate:provision', 'certificate:renew']) {
    node.addEventListener(event, ({ detail }) => {
      const certificate = new X509Certificate(detail.cert)
      if (options.save != null) writeFileSync(options.save, detail.cert)
      console.log(`${event} ${certificate.serialNumber} ${certificate.subjectAltName}`)
    })
  }
  const said = new Set()
  node.addEventListener('self:peer:update', () => {
    for (const address of node.getMultiaddrs().map(String).filter(address => !said.has(address))) {
      said.add(address)
      console.log(`address ${address}`)
    }
  })
  console.log('ready')
  return node
}
