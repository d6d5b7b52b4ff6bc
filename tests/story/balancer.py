#!/usr/bin/env python3
"""A load balancer before brokers: ends TLS, and hands each request to the next one, so that what a node begins at one
broker it goes on with at another. balancer.py CERTIFICATE KEY BROKER-PORT..."""

import sys

sys.dont_write_bytecode = True

import http.client
import itertools
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LISTEN = ((socket.AF_INET, "192.0.2.80"), (socket.AF_INET6, "2001:db8:80::1"))
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
ports = itertools.cycle(map(int, sys.argv[3:]))


class Balancer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        port = next(ports)
        broker = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            broker.request(self.command, self.path, body, {**headers, "X-Forwarded-For": self.client_address[0]})
            response = broker.getresponse()
            said = response.read()
        except OSError:
            self.send_response(502)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        finally:
            broker.close()
        print(f"{self.command} {self.path}: {port} says {response.status}", flush=True)
        self.send_response_only(response.status)
        for name, value in response.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        if response.status != 204:
            self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST = do_OPTIONS = forward

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, family, address, context):
        self.address_family = family
        super().__init__((address, 443), Balancer)
        # The handshake is the thread's of its connection.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*sys.argv[1:3])
    servers = [Server(family, address, context) for family, address in LISTEN]
    print("ready", flush=True)
    threads = [threading.Thread(target=each.serve_forever) for each in servers]
    for each in threads:
        each.start()


main()
