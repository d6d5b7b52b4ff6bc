#!/usr/bin/env python3
"""A feed for denylist_test: serves the files of a folder, conditionally, and goes wrong as the test wants.

feed_server.py FOLDER PORT: GET /NAME is FOLDER/NAME with ETag and Last-Modified, 304 where it has not changed. What
FOLDER/NAME.mode says comes instead. Each request is a line of FOLDER/requests: NAME STATUS CONDITIONAL.
"""
import gzip, hashlib, http.server, os, sys, time

folder = sys.argv[1]


def read(name):
    try:
        with open(os.path.join(folder, name), 'rb') as file:
            return file.read()
    except OSError:
        return None


class Feed(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def reply(self, status, body=b'', **fields):
        conditional = 'If-None-Match' in self.headers or 'If-Modified-Since' in self.headers
        with open(os.path.join(folder, 'requests'), 'a') as file:
            file.write(f'{self.path[1:]} {status} {"conditional" if conditional else "plain"}\n')
        self.send_response(status)
        fields.setdefault('Content_Length', str(len(body)))
        for name, value in fields.items():
            if value is not None:
                self.send_header(name.replace('_', '-'), value)
        self.end_headers()
        self.wfile.write(body)

    def endless(self, piece, pause, **fields):
        self.reply(200, b'', Content_Length=None, Transfer_Encoding='chunked', **fields)
        self.close_connection = True
        try:
            while True:
                self.wfile.write(b'%x\r\n%s\r\n' % (len(piece), piece))
                self.wfile.flush()
                time.sleep(pause)
        except OSError:
            pass

    def do_GET(self):
        name = self.path[1:].split('?')[0]
        mode = (read(name + '.mode') or b'').decode().strip() if '?' not in self.path else ''
        if mode.isdigit():
            self.reply(int(mode), b'192.0.2.99\n')
        elif mode == 'garbage':
            self.reply(200, os.urandom(100_000))
        elif mode == 'page':
            self.reply(200, b'<html>\n<body>\nOut of order, call\n192.0.2.99\n</body>\n</html>\n')
        elif mode == 'empty':
            self.reply(200)
        elif mode == 'slow':
            self.endless(b'192.0.2.99\n', 0.5)
        elif mode == 'huge':
            self.endless(b'192.0.2.99\n' * 100_000, 0)
        elif mode == 'bomb':
            self.reply(200, gzip.compress(b'192.0.2.99\n' * 8_000_000, 1), Content_Encoding='gzip')
        elif mode == 'cut':
            self.reply(200, b'192.0.2.99\n', Content_Length='1000')
            self.close_connection = True
        elif mode == 'silent':
            self.close_connection = True
        elif mode == 'loop':
            self.reply(302, Location=self.path)
        elif mode == 'elsewhere':
            self.reply(302, Location='file://' + os.path.join(folder, name))
        elif mode == 'moved':
            self.reply(301, Location=self.path + '?moved')
        elif (body := read(name)) is None:
            self.reply(404)
        elif mode == 'gzip':
            self.reply(200, gzip.compress(body), Content_Encoding='gzip')
        else:
            etag = f'"{hashlib.sha1(body).hexdigest()}"'
            if self.headers.get('If-None-Match') == etag:
                self.reply(304, ETag=etag)
            else:
                self.reply(200, body, ETag=etag, Last_Modified='Mon, 01 Jan 2024 00:00:00 GMT')


http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[2])), Feed).serve_forever()
