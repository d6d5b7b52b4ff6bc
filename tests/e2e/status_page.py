#!/usr/bin/env python3
"""The page of *status* in a browser: a server with zones and queries, one of them hostile, and Chromium by its DevTools protocol.

No error in the console, nothing that a stranger has sent becomes HTML, dark and light with enough contrast, nothing wider than
a telephone; what it shows is live. `--picture FILE` writes the picture that is in the README. HTML is checked by tidy, where it is
installed. Says SKIPPED and exits with 77 where there is no Chromium.
"""

import argparse
import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.dont_write_bytecode = True
from transfer_peers import free_port

PATIENCE = 90
HOSTILE = "<svg/onload=document.title=1>"  # a name that is asked for
ZONE = """@ 3600 IN SOA ns hostmaster 2026113001 7200 3600 1209600 300
@ 3600 IN NS ns
ns 3600 IN A 192.0.2.53
www 3600 IN A 192.0.2.80
www 3600 IN AAAA 2001:db8::80
"""
COREFILE = """example.org:{port} {{
    bind 127.0.0.1
    status 127.0.0.1:{http}
    file {folder}/zone example.org {{
        reload 2s
    }}
}}
example.net:{port} {{
    bind 127.0.0.1
    status 127.0.0.1:{http}
    file {folder}/zone example.net
}}
"""
# WCAG 2, 1.4.3: of each piece of text that is seen, with what is behind it.
CONTRAST = """(() => {
  const light = color => {
    const parts = color.match(/[\\d.]+/g).slice(0, 3).map(each => each / 255)
      .map(each => each <= .03928 ? each / 12.92 : ((each + .055) / 1.055) ** 2.4);
    return .2126 * parts[0] + .7152 * parts[1] + .0722 * parts[2];
  };
  const behind = element => {
    for (; element; element = element.parentElement) {
      const color = getComputedStyle(element).backgroundColor;
      if (!color.endsWith(", 0)") && color !== "transparent") return color;
    }
    return "rgb(255, 255, 255)";
  };
  let least = 21;
  for (const element of document.querySelectorAll("body *")) {
    if (!element.checkVisibility() || ![...element.childNodes].some(each => each.nodeType === 3 && each.data.trim())) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(behind(element))].sort((x, y) => y - x);
    least = Math.min(least, (a + .05) / (b + .05));
  }
  return least;
})()"""


class Failed(Exception):
    pass


def check(holds, what):
    if not holds:
        raise Failed(what)


def wait_for(done, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = done()
        if value:
            return value
        time.sleep(0.2)
    raise Failed(f"in vain: {what}")


class Browser:
    """Chromium, over the pipe of its DevTools protocol: messages of JSON that end with a 0 byte."""

    def __init__(self, folder):
        to_read, to_write = os.pipe()
        from_read, from_write = os.pipe()

        def inherit():
            first, second = os.dup(to_read), os.dup(from_write)
            os.dup2(first, 3)
            os.dup2(second, 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-extensions", "--disable-background-networking", "--remote-debugging-pipe", f"--user-data-dir={folder}"],
            preexec_fn=inherit, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        os.close(to_read)
        os.close(from_write)
        self.out, self.into, self.buffer = to_write, from_read, b""
        self.number, self.session, self.errors = 0, None, []
        target = self.do("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.do("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.do(f"{domain}.enable")

    def receive(self):
        while b"\0" not in self.buffer:
            part = os.read(self.into, 1 << 16)
            if not part:
                raise Failed("Chromium has ended")
            self.buffer += part
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def do(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            heard = self.receive()
            if heard.get("id") == self.number:
                check("error" not in heard, f"{method}: {heard.get('error')}")
                return heard["result"]
            happened, what = heard.get("method"), heard.get("params", {})
            if happened == "Runtime.exceptionThrown" or happened == "Log.entryAdded" and what["entry"]["level"] == "error" \
                    or happened == "Runtime.consoleAPICalled" and what["type"] in ("error", "warning"):
                self.errors.append(json.dumps(what)[:500])

    def value(self, expression):
        result = self.do("Runtime.evaluate", expression=expression, returnByValue=True)
        check("exceptionDetails" not in result, f"{expression}: {result.get('exceptionDetails')}")
        return result["result"].get("value")

    def show(self, width, height, scheme):
        self.do("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.do("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self):
        return base64.b64decode(self.do("Page.captureScreenshot", format="png")["data"])

    def end(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def fetch(url, host=None):
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def ask(port, *questions):
    for question in questions:
        subprocess.run(["dig", "+tries=3", "+time=20", "-p", str(port), "@127.0.0.1", *question], check=True,
                       stdout=subprocess.DEVNULL)


def try_page(browser, url, port, zone, server):
    browser.do("Page.navigate", url=url)
    wait_for(lambda: browser.value("document.getElementById('verdict')?.textContent") == "All is well.", "All is well.")
    for what in ("example.org.", "example.net.", "2026113001"):
        check(what in browser.value("document.getElementById('zones').textContent"), f"{what} is not among the zones")
    check("dns 0" in browser.value("document.getElementById('processes').textContent"), "there is no dns process")
    wait_for(lambda: HOSTILE in (browser.value("document.getElementById('names').textContent") or ""), "a hostile name")
    check(browser.value("document.querySelectorAll('#names img, #names svg').length") == 0, "a name has become HTML")
    check(browser.value("document.title") == "swage", "a script of a name's has run")
    # Everything has a name.
    check(browser.value("[...document.querySelectorAll('section')].every(each => "
                        "document.getElementById(each.getAttribute('aria-labelledby')))"), "a section without a name")
    check(browser.value("[...document.querySelectorAll('th')].every(each => each.scope === 'col')"), "a th without scope")
    backs = set()
    for width in (1280, 360):
        for scheme in ("light", "dark"):
            browser.show(width, 800, scheme)
            wide = browser.value("document.documentElement.scrollWidth")
            check(wide <= width, f"{wide} pixels are wider than {width}")
            contrast = browser.value(CONTRAST)
            check(contrast >= 4.5, f"{scheme}, {width}: a contrast of {contrast:.2f}")
            backs.add(browser.value("getComputedStyle(document.body).backgroundColor"))
    check(len(backs) == 2, f"light and dark are the same: {backs}")
    # It is live: a new serial, a process that is stopped.
    zone.write_text(ZONE.replace("2026113001", "2026113002"))
    wait_for(lambda: "2026113002" in browser.value("document.getElementById('zones').textContent"), "a new serial")
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    dns = next(int(each) for each in children if b"@dns" in Path(f"/proc/{each}/cmdline").read_bytes())
    os.kill(dns, signal.SIGSTOP)
    wait_for(lambda: "is stopped" in browser.value("document.getElementById('verdict')?.textContent"), "a stopped process")
    check(browser.value("document.title") == "(1) swage", "the title does not tell")
    os.kill(dns, signal.SIGCONT)
    wait_for(lambda: browser.value("document.getElementById('verdict')?.textContent") == "All is well.", "well again")
    check(not browser.errors, f"errors in the console: {browser.errors}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--swage", default="build/release/swage")
    parser.add_argument("--picture")
    options = parser.parse_args()
    if not shutil.which("chromium") or not shutil.which("dig"):
        print("SKIPPED: it takes chromium and dig")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        port, http = free_port(), free_port()
        zone = Path(folder) / "zone"
        zone.write_text(ZONE)
        corefile = Path(folder) / "Corefile"
        corefile.write_text(COREFILE.format(port=port, http=http, folder=folder))
        log = open(Path(folder) / "log", "w")
        server = subprocess.Popen([options.swage, "-conf", str(corefile), "-workers", "1"], stdout=log, stderr=log)
        browser = None
        try:
            url = f"http://127.0.0.1:{http}/"
            wait_for(lambda: "in force" in (Path(folder) / "log").read_text() or "dns process" in (Path(folder) / "log").read_text(),
                     "the server")
            if options.picture:
                ask(port, *[[f"{name}.example.{top}", kind] for name, count in (("www", 9), ("ns", 4), ("mail", 2), ("old", 1))
                            for top in ("org", "net") for kind in ("A", "AAAA") for _ in range(count + (top == "org"))])
                browser = Browser(Path(folder) / "chromium")
                browser.show(1000, 820, "light")
                browser.do("Page.navigate", url=url)
                wait_for(lambda: "ns.example" in (browser.value("document.getElementById('names')?.textContent") or ""), "names")
                Path(options.picture).write_bytes(browser.picture())
                return 0
            ask(port, *[[f"{name}.example.org", kind] for name in ("www", "www", "ns", "none") for kind in ("A", "AAAA")],
                ["example.net", "SOA"], [HOSTILE + ".example.org", "A"])
            status, page = fetch(url)
            check(status == 200, f"the page has the status {status}")
            check(fetch(url, "evil.example:80")[0] == 421, "the page is shown under any name")
            if shutil.which("tidy"):
                known = re.sub(' nonce="[0-9a-f]+"', "", page)  # which tidy does not know
                tidy = subprocess.run(["tidy", "-quiet", "-errors"], input=known.encode(), capture_output=True)
                said = [line for line in tidy.stderr.decode().splitlines() if "Warning" in line or "Error" in line]
                check(not said, f"tidy: {said}")
            browser = Browser(Path(folder) / "chromium")
            try_page(browser, url, port, zone, server)
        except (Failed, OSError, subprocess.SubprocessError) as error:
            print(f"{error}\n{(Path(folder) / 'log').read_text()}")
            return 1
        finally:
            if browser:
                browser.end()
            server.terminate()
            server.wait()
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
