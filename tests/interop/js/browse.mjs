// Has a page in Debian's headless Chromium dial nodes. Chromium looks up hosts of its own at every start: run this in a
// network namespace. It trusts what is in $HOME/.pki/nssdb.
import { mkdtemp, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const quiet = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync']

async function servePage () {
  const script = await readFile(new URL('./page.js', import.meta.url))
  const server = createServer((request, response) => {
    if (request.url === '/page.js') return response.setHeader('Content-Type', 'text/javascript').end(script)
    if (request.url === '/') {
      return response.setHeader('Content-Type', 'text/html').end('<!doctype html><script src="page.js"></script>')
    }
    response.writeHead(404).end()
  })
  await new Promise(resolve => server.listen(0, 'localhost', resolve))
  return `http://localhost:${server.address().port}/`
}

// MULTIADDR…: dialled one after the other by one page.
export async function browse (addresses) {
  const url = await servePage()
  const browser = await chromium.launchPersistentContext(await mkdtemp(join(tmpdir(), 'chromium-')), {
    executablePath: '/usr/bin/chromium', chromiumSandbox: false, args: quiet, timeout: 30_000
  })
  const page = browser.pages()[0] ?? await browser.newPage()
  page.on('console', message => console.log(`console ${message.text()}`))
  await page.goto(url)
  for (const address of addresses) {
    for (const line of await page.evaluate(address => globalThis.dial(address), address)) console.log(line)
  }
  await browser.close()
}
