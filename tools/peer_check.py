"""Datadog's own check as a program that can be measured: it scrapes, parses and transforms; what it would submit goes
nowhere.

    peer_check.py URL INTERVAL          scrapes every INTERVAL seconds until it is ended
    peer_check.py --memory FILE...      answers itself with the files in turn, without HTTP; prints seconds for each scrape

Run it with the Python of the virtualenv that `environment.py` makes.
"""

import json
import pathlib
import sys
import time

import environment

environment.enter()

import check as recorded
import requests
from datadog_checks.base import OpenMetricsBaseCheckV2
from datadog_checks.base.checks import base

# Scrapes that are not counted: the first one compiles transformers.
WARM_UP = 1
ROUNDS = 12


class Nowhere(type(base.aggregator)):
    """Takes submissions, and does nothing."""


def nothing(*_, **__):
    pass


for method in [name for name in dir(Nowhere) if name.startswith('submit_')]:
    setattr(Nowhere, method, nothing)


def make(url):
    base.aggregator = Nowhere()
    # Without a limit that is set it would keep the first 2,000 series.
    settings = {'openmetrics_endpoint': url, 'metrics': ['.+'], 'max_returned_metrics': 100_000_000}
    return OpenMetricsBaseCheckV2('openmetrics', {}, [settings])


def run(check):
    if failure := recorded.failure(check.run()):
        sys.exit(f'the check failed: {failure}')


def scrape(url, interval):
    check = make(url)
    due = time.monotonic()
    while True:
        run(check)
        now = time.monotonic()
        due = max(due + interval, now)
        time.sleep(due - now)


def from_memory(files):
    adapter = recorded.Recordings()
    requests.Session.get_adapter = lambda session, url: adapter
    responses = [response(pathlib.Path(file)) for file in files]
    check = make('http://localhost/metrics')
    seconds = []
    for turn in range(WARM_UP + ROUNDS):
        adapter.current = responses[turn % len(responses)]
        begun = time.process_time()
        run(check)
        seconds.append(time.process_time() - begun)
    print(json.dumps(seconds[WARM_UP:]))


def response(path):
    is_text = path.suffix == '.prom'
    content_type = 'text/plain; version=0.0.4' if is_text else 'application/openmetrics-text; version=1.0.0'
    head = f'HTTP/1.1 200 OK\r\nContent-Type: {content_type}; charset=utf-8\r\n\r\n'
    return head.encode() + path.read_bytes()


if __name__ == '__main__':
    if sys.argv[1] == '--memory':
        from_memory(sys.argv[2:])
    else:
        scrape(sys.argv[1], float(sys.argv[2]))
