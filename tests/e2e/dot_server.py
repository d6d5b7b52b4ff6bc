#!/usr/bin/env python3
"""A nameserver over TLS for forward_test: answers every question with 192.0.2.9.

dot_server.py CERTIFICATE KEY PORT [CA]: with CA, clients have to show a certificate of that; each connection is a line on standard output, with the protocol of ALPN.
"""
import socket, ssl, struct, sys, threading

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
context.set_alpn_protocols(['dot'])
if len(sys.argv) > 4:
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(sys.argv[4])


def receive(stream, size):
    data = b''
    while len(data) < size:
        piece = stream.recv(size - len(data))
        if not piece:
            raise ConnectionError
        data += piece
    return data


def serve(plain):
    try:
        stream = context.wrap_socket(plain, server_side=True)
        print('connection', stream.selected_alpn_protocol(), flush=True)
        while True:
            query = receive(stream, struct.unpack('>H', receive(stream, 2))[0])
            end = 12
            while query[end]:
                end += 1 + query[end]
            answer = query[:2] + bytes.fromhex('81800001000100000000') + query[12:end + 5]
            answer += bytes.fromhex('c00c000100010000003c0004c0000209')
            stream.sendall(struct.pack('>H', len(answer)) + answer)
    except OSError:
        plain.close()


listener = socket.create_server(('127.0.0.1', int(sys.argv[3])))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
