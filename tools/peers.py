#!/usr/bin/env python3
"""Measures the whole job of Retriever beside that of others: CPU per scrape and memory, from HTTP on loopback to what
leaves the program.

    cargo build --release
    tools/peers.py                                   # writes the corpora, measures all peers, prints a table
    tools/peers.py --corpora DIR --only mixed,kubernetes --windows 7
    tools/peers.py --memory                          # Datadog's check alone, fed from memory

The peers:
  retriever   `retriever run`: scrapes, maps, aggregates, delivers compressed payloads to an intake
  check       Datadog's OpenMetrics check in Python: scrapes, parses, transforms; submits to functions that do nothing,
              so that no Agent is in its figures
  prometheus  Debian's Prometheus: scrapes, and stores in its own database
  vmagent     Debian's vmagent: scrapes, and sends by remote write

A server of its own gives four successive scrapes of each corpus in turn; another takes what is sent. Peers take turns:
all but one of them are stopped (SIGSTOP) at any time, and each is measured in several windows of some scrapes. CPU is
user and system time of all threads, divided by the scrapes that the server answered meanwhile. The first scrapes are not
measured. Exit status: 0 measured, 2 usage or something broken; peers that are not to be had are named as skipped.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import environment
from peer_servers import corpora

TOOLS = pathlib.Path(__file__).resolve().parent
ROOT = TOOLS.parent
PROGRAMS = ROOT / 'target' / 'peers'
# Peers by the Debian package that has them.
PACKAGES = {'prometheus': 'prometheus', 'vmagent': 'victoria-metrics'}
PEERS = ['retriever', 'check', *PACKAGES]
# Seconds that anything may take to begin.
PATIENCE = 60
# Bytes from which on a corpus is scraped less often.
LARGE = 4 << 20


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--corpora', type=pathlib.Path, help='a folder of NAME.NUMBER.prom (or .om); made if not given')
    parser.add_argument('--only', default='', metavar='NAME,...', help='these corpora alone')
    parser.add_argument('--peers', default=','.join(PEERS), metavar='PEER,...', help='(default: %(default)s)')
    parser.add_argument('--windows', type=int, default=5, help='measurements of each peer (default: %(default)s)')
    parser.add_argument('--scrapes', type=int, default=4, help='scrapes of a window (default: %(default)s)')
    parser.add_argument('--retriever', type=pathlib.Path, default=ROOT / 'target' / 'release' / 'retriever')
    parser.add_argument('--memory', action='store_true', help="Datadog's check alone, fed from memory without HTTP")
    parser.add_argument('--json', type=pathlib.Path, help='write all windows to this file')
    return parser.parse_args()


class Broken(Exception):
    pass


def find(peer):
    """The program of a peer: installed, or unpacked from its Debian package; none if it is not to be had."""
    if program := shutil.which(peer):
        return program
    program = PROGRAMS / 'usr' / 'bin' / peer
    if not program.exists() and shutil.which('apt-get'):
        # It is only unpacked: to install it would start a service.
        PROGRAMS.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL, 'cwd': folder, 'check': False}
            subprocess.run(['apt-get', 'download', PACKAGES[peer]], **quiet)
            for package in pathlib.Path(folder).glob('*.deb'):
                subprocess.run(['dpkg-deb', '-x', package, PROGRAMS], **quiet)
    return program if program.exists() else None


def free_port():
    with socket.socket() as sock:
        sock.bind(('127.0.0.1', 0))
        return sock.getsockname()[1]


class Process:
    """A program that is measured, or a server."""

    def __init__(self, command, log=None, **options):
        kept = {name: os.environ[name] for name in ('PATH', 'HOME') if name in os.environ}
        options.setdefault('stdout', log or subprocess.DEVNULL)
        self.log = log
        self.child = subprocess.Popen(command, env=kept, stderr=log or subprocess.DEVNULL, **options)
        # Nanoseconds by thread: a thread that ended is not listed any more.
        self.threads = {}

    def signal(self, number):
        self.require()
        self.child.send_signal(number)

    def require(self):
        """It still runs."""
        if self.child.poll() is not None:
            said = pathlib.Path(self.log.name).read_text(errors='replace')[-500:] if self.log else ''
            raise Broken(f'`{self.child.args[0]}` ended by itself, with {self.child.returncode}: {said}')

    def cpu(self):
        """Seconds of all its threads so far."""
        for task in pathlib.Path(f'/proc/{self.child.pid}/task').iterdir():
            with contextlib.suppress(OSError):
                self.threads[task.name] = int((task / 'schedstat').read_text().split()[0])
        return sum(self.threads.values()) / 1e9

    def memory(self, field):
        """Megabytes: `VmRSS`, what is resident now, or `VmHWM`, what was at most."""
        status = pathlib.Path(f'/proc/{self.child.pid}/status').read_text()
        line = next(line for line in status.splitlines() if line.startswith(field))
        return int(line.split()[1]) * 1024 / 1e6

    def end(self):
        with contextlib.suppress(OSError):
            self.child.send_signal(signal.SIGCONT)
            self.child.kill()
        self.child.wait()


class Server(Process):
    def __init__(self, *arguments):
        command = [sys.executable, TOOLS / 'peer_servers.py', *arguments]
        super().__init__(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = f'http://127.0.0.1:{int(self.child.stdout.readline())}'

    def count(self, path=None):
        with urllib.request.urlopen(f'{self.url}/count', timeout=PATIENCE) as answer:
            counts = json.load(answer)
        return sum(counts.values()) if path is None else counts.get(path, 0)


def start(peer, arguments, url, interval, sink, folder):
    """A process that scrapes `url` every `interval` seconds; none if the peer is not to be had."""
    log = open(folder / f'{peer}.log', 'wb')
    if peer == 'retriever':
        settings = folder / 'conf.yaml'
        settings.write_text(
            f'api_key: {"0" * 32}\ndd_url: {sink}\nadmin_listen: none\nhostname: peers\ndata_dir: none\n'
            f'instances:\n- openmetrics_endpoint: {url}\n  metrics: [.+]\n  min_collection_interval: {interval}\n'
        )
        return Process([arguments.retriever, 'run', settings], log)
    if peer == 'check':
        python = environment.install(environment.CHECK)
        return Process([python, TOOLS / 'peer_check.py', url, str(interval)], log)
    program = find(peer)
    if not program:
        return None
    target, path = url.removeprefix('http://').split('/', 1)
    settings = folder / f'{peer}.yml'
    settings.write_text(
        f'global: {{scrape_interval: {interval}s, scrape_timeout: {interval}s}}\nscrape_configs:\n'
        f'- {{job_name: t, metrics_path: /{path}, static_configs: [{{targets: ["{target}"]}}]}}\n'
    )
    listen = f'127.0.0.1:{free_port()}'
    if peer == 'prometheus':
        options = [f'--config.file={settings}', f'--storage.tsdb.path={folder}/tsdb', f'--web.listen-address={listen}']
    else:
        options = [
            f'-promscrape.config={settings}',
            f'-remoteWrite.url={sink}/write',
            f'-remoteWrite.tmpDataPath={folder}/vmagent',
            f'-httpListenAddr={listen}',
            '-promscrape.maxScrapeSize=67108864',
        ]
    return Process([program, *options], log)


def until_scraped(process, server, path, more, interval):
    """Waits for so many more scrapes, and then for what follows of them."""
    wanted = server.count(path) + more
    deadline = time.monotonic() + PATIENCE + 4 * more * interval
    while server.count(path) < wanted:
        process.require()
        if time.monotonic() > deadline:
            raise Broken(f'{path} is not scraped')
        time.sleep(interval / 50)
    time.sleep(interval * 0.7)


def measure(name, samples, interval, arguments, server, sink):
    """All windows of all peers on one corpus, by peer."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as running:
        peers = {}
        for peer in arguments.peers.split(','):
            path = f'/{name}/{peer}'
            process = start(peer, arguments, server.url + path, interval, sink.url, pathlib.Path(folder))
            if not process:
                print(f'skipped: {peer}, which is not installed and not among the packages here', file=sys.stderr)
                continue
            running.callback(process.end)
            until_scraped(process, server, path, 5, interval)
            process.signal(signal.SIGSTOP)
            peers[peer] = (process, path, [])
        for _ in range(arguments.windows):
            for process, path, windows in peers.values():
                process.signal(signal.SIGCONT)
                until_scraped(process, server, path, 1, interval)
                cpu, count = process.cpu(), server.count(path)
                until_scraped(process, server, path, arguments.scrapes, interval)
                seconds = (process.cpu() - cpu) / (server.count(path) - count)
                windows.append({'seconds': seconds, 'resident': process.memory('VmRSS')})
                process.signal(signal.SIGSTOP)
        return {
            peer: {'samples': samples, 'peak': process.memory('VmHWM'), 'windows': windows}
            for peer, (process, _, windows) in peers.items()
        }


def milliseconds(seconds):
    """Three digits, as many of them before the point as there are."""
    value = seconds * 1e3
    return f'{value:.0f}' if value >= 100 else f'{value:.3g}'


def row(name, peer, result, reference):
    seconds = [window['seconds'] for window in result['windows']]
    median = statistics.median(seconds)
    resident = statistics.median(window['resident'] for window in result['windows'])
    ratio = f'{reference / median:.3g} ×' if reference else ''
    cells = [
        name,
        peer,
        f'{milliseconds(median)} ms',
        f'{milliseconds(min(seconds))} to {milliseconds(max(seconds))}',
        f'{result["samples"] / median / 1e6:.3g}',
        ratio,
        f'{result["peak"]:.0f}',
        f'{resident:.0f}',
    ]
    return '| ' + ' | '.join(cells) + ' |'


def count_samples(path):
    with open(path, 'rb') as lines:
        return sum(1 for line in lines if not line.startswith(b'#'))


def measure_all(arguments, bodies):
    results = {}
    with contextlib.ExitStack() as running:
        server, sink = Server('expose', arguments.corpora), Server('take')
        running.callback(server.end)
        running.callback(sink.end)
        print('| corpus | peer | CPU of a scrape | least and most | million samples/s | × | peak MB | MB |')
        print('|---|---|---|---|---|---|---|---|')
        for name, (paths, _) in bodies.items():
            interval = 3 if paths[0].stat().st_size > LARGE else 1
            results[name] = measure(name, count_samples(paths[0]), interval, arguments, server, sink)
            check = results[name].get('check')
            reference = check and statistics.median(window['seconds'] for window in check['windows'])
            for peer, result in results[name].items():
                print(row(name, peer, result, reference), flush=True)
    return results


def from_memory(bodies):
    python = environment.install(environment.CHECK)
    results = {}
    print('| corpus | CPU of a scrape | least and most |')
    print('|---|---|---|')
    for name, (paths, _) in bodies.items():
        command = [python, TOOLS / 'peer_check.py', '--memory', *paths]
        seconds = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        median, least, most = (milliseconds(of(seconds)) for of in (statistics.median, min, max))
        print(f'| {name} | {median} ms | {least} to {most} |', flush=True)
        results[name] = seconds
    return results


def main():
    arguments = parse_arguments()
    unknown = set(arguments.peers.split(',')) - set(PEERS)
    if unknown:
        raise Broken(f'no such peer: {", ".join(sorted(unknown))}')
    if not arguments.memory and not arguments.retriever.exists():
        raise Broken(f'there is no `{arguments.retriever}`: run `cargo build --release`')
    if not arguments.corpora:
        arguments.corpora = ROOT / 'target' / 'corpora'
        command = ['cargo', 'run', '--quiet', '--locked', '--example', 'corpora', '--', arguments.corpora]
        subprocess.run(command, cwd=ROOT, check=True)
    only = set(filter(None, arguments.only.split(',')))
    bodies = {name: found for name, found in corpora(arguments.corpora).items() if not only or name in only}
    if not bodies:
        raise Broken(f'there is nothing to measure in `{arguments.corpora}`')
    results = from_memory(bodies) if arguments.memory else measure_all(arguments, bodies)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == '__main__':
    try:
        main()
    except (Broken, environment.NotInstalled, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
