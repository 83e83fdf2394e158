# The same server as foreign-main.ts, in Python's standard library.
import base64, hashlib, signal, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
health = {"status": 200}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.headers.get("upgrade", "").lower() == "websocket":
            return self.converse()
        if self.path == "/sick":
            health["status"] = 500
        self.send_response(health["status"])
        self.send_header("content-length", "0")
        self.end_headers()

    def converse(self):
        accept = hashlib.sha1((self.headers["sec-websocket-key"] + GUID).encode()).digest()
        self.send_response(101)
        self.send_header("upgrade", "websocket")
        self.send_header("connection", "Upgrade")
        self.send_header("sec-websocket-accept", base64.b64encode(accept).decode())
        self.end_headers()
        self.close_connection = True
        while len(head := self.rfile.read(6)) == 6:
            opcode, payload = head[0] & 0x0F, self.rfile.read(head[1] & 0x7F)
            text = bytes(byte ^ head[2 + at % 4] for at, byte in enumerate(payload))
            self.wfile.write(bytes([0x80 | (10 if opcode == 9 else opcode), len(text)]) + text)
            if opcode == 8:
                return


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer.daemon_threads = True
ThreadingHTTPServer(("0.0.0.0", 3000), Handler).serve_forever()
