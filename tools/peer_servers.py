"""The two servers between which programs are measured: one that exposes, and one that takes what they make of it.

    peer_servers.py expose FOLDER       GET /NAME/ANYONE gives the scrapes of NAME in turn, to each ANYONE in its own
    peer_servers.py take                takes every POST

Each prints its port and then serves until its standard input ends. `GET /count` gives a JSON object: how many requests
were answered, by path. Both are processes of their own, so that nothing of them is in the figures of a program.
"""

import collections
import http.server
import json
import pathlib
import re
import sys
import threading

CORPUS = re.compile(r'(?P<name>.+?)(?:\.v?(?P<scrape>\d+))?\.(?P<ending>prom|om|om\.txt)')
TEXT = 'text/plain; version=0.0.4; charset=utf-8'
OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8'


def corpora(folder):
    """The bodies of each corpus in their order, and its content type, by name."""
    found = collections.defaultdict(dict)
    for path in sorted(pathlib.Path(folder).iterdir()):
        if match := CORPUS.fullmatch(path.name):
            name = match['name'] if match['ending'] == 'prom' or 'openmetrics' in match['name'] else match['name'] + '_om'
            found[name, match['ending'] != 'prom'][int(match['scrape'] or 0)] = path
    return {
        name: ([scrapes[number] for number in sorted(scrapes)], OPENMETRICS if is_openmetrics else TEXT)
        for (name, is_openmetrics), scrapes in found.items()
    }


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    answered = collections.Counter()
    lock = threading.Lock()

    def log_message(self, *_):
        pass

    def reply(self, status, content_type, body):
        self.send_response(status)
        self.send_header('Content-Type', content_type)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        with self.lock:
            self.answered[self.path] += 1

    def do_GET(self):
        if self.path == '/count':
            with self.lock:
                counts = json.dumps(self.answered)
            return self.reply(200, 'application/json', counts.encode())
        return self.get()


class Exposing(Handler):
    bodies = {}

    def get(self):
        bodies, content_type = self.bodies[self.path.split('/')[1]]
        with self.lock:
            turn = self.answered[self.path]
        self.reply(200, content_type, bodies[turn % len(bodies)])


class Taking(Handler):
    def get(self):
        self.reply(200, 'application/json', b'{"valid":true}')

    def do_POST(self):
        if length := self.headers.get('Content-Length'):
            left = int(length)
            while left:
                left -= len(self.rfile.read(min(left, 1 << 20)))
        else:
            while size := int(self.rfile.readline().split(b';')[0], 16):
                self.rfile.read(size + 2)
            self.rfile.readline()
        self.reply(202, 'application/json', b'{"errors":[]}')


def main():
    kind, *folder = sys.argv[1:]
    if kind == 'expose':
        Exposing.bodies = {
            name: ([path.read_bytes() for path in paths], content_type)
            for name, (paths, content_type) in corpora(folder[0]).items()
        }
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), {'expose': Exposing, 'take': Taking}[kind])
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == '__main__':
    main()
