#!/usr/bin/env python3
"""A nameserver over HTTPS (RFC 8484) that knows HTTP/1.1 alone: CERTIFICATE KEY PORT. What it does says the first label of
the name that it is asked for: `right` or anything else is answered, 60 IN A 192.0.2.9. Prints a line for each request:
its method, and what the message's id is."""

import base64
import http.server
import ssl
import sys
import urllib.parse


def answer(query, qname_end):
    question = query[12 : qname_end + 4]
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\x09"
    return query[:2] + bytes([query[2] | 0x80, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]) + question + record


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def say(self, status, body, kind="application/dns-message", **fields):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass  # it has heard enough

    def serve(self, query):
        print(self.command, int.from_bytes(query[:2], "big"), flush=True)
        label = query[13 : 13 + query[12]].lower()
        good = answer(query, query.index(0, 12) + 1)
        if label == b"status":
            self.say(404, good)
        elif label == b"type":
            self.say(200, good, "text/html")
        elif label == b"long":
            self.say(200, good + bytes(1 << 24))
        elif label == b"elsewhere":
            self.say(302, b"", Location=f"https://127.0.0.1:{sys.argv[3]}/dns-query?dns={self.base64(query)}")
        elif label == b"foreign":
            self.say(200, good[:13] + b"x" + good[14:])
        elif label == b"empty":
            self.say(200, b"")
        elif label == b"gone":
            self.close_connection = True
        else:
            self.say(200, good)

    @staticmethod
    def base64(query):
        return base64.urlsafe_b64encode(query).rstrip(b"=").decode()

    def do_POST(self):
        query = self.rfile.read(int(self.headers["Content-Length"]))
        self.serve(query if self.headers["Content-Type"] == "application/dns-message" and self.path == "/dns-query" else b"")

    def do_GET(self):
        text = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)["dns"][0]
        self.serve(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[3])), Handler)
server.daemon_threads = True
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
