#!/usr/bin/env python3
"""Which proxy Datadog's check uses for a URL; run by hand, needed neither to build nor to test.

It hands settings and an environment, made up at random but always the same, to the HTTP wrapper of the real check, and
looks at what arrives where a connection would be made. The table goes to standard output, one case per line.

    python3 -m venv /tmp/oracle
    /tmp/oracle/bin/pip install --only-binary :all: 'datadog-checks-base[deps]'
    /tmp/oracle/bin/python tools/proxy_oracle.py > fixtures/vectors/proxies.json
"""

import json
import os
import random
import sys

import requests
from datadog_checks.base.utils import http
from requests.utils import select_proxy

VARIABLES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY', 'no_proxy', 'NO_PROXY']
HOSTS = [
    'foo.com', 'x.foo.com', 'a.x.foo.com', 'notfoo.com', 'com', 'localhost', 'node-1', 'foo.com.', '10.0.0.1',
    '10.1.2.3', '192.168.7.9', '127.0.0.1', '[::1]', '[fd00::12]', '[2001:db8::1]',
]
ENTRIES = [
    '*', '', ' ', '.', '*.', 'foo.com', '.foo.com', '*.foo.com', '**.foo.com', ' foo.com', 'foo.com ', 'FOO.COM',
    '..foo.com', 'oo.com', 'com', '.com', 'x.foo.com', 'foo.com:9100', 'foo.com:443', 'localhost', 'node-1',
    '10.0.0.1', '10.0.0.0/8', '10.0.0.1/8', '10.0.0.0/255.0.0.0', '10.0.0.0/0.255.255.255', '10.0.0.0/255.0.255.0',
    '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/08', '10.0.0.0/+8', '0.0.0.0/0', '0.0.0.0/0.0.0.0', '10.0.0.01', '0.1',
    '.0.1', '192.168.0.0/16', '192.168.7.9:9100', '::1', '[::1]', '::/0', 'fd00::/8', 'fd00::1/8', 'fd00::/ff00::',
    '2001:db8::/32', '2001:DB8::1', '::ffff:10.0.0.1', '127.0.0.0/8', 'a/b', 'a/b/c',
]
PROXIES = ['http://one:3128', 'http://two:80', 'socks5://three:1080', 'https://four:443', '', None]


class Seen(Exception):
    pass


def chosen(case):
    """The URL of the proxy for a case, none if there is no proxy."""
    for name in VARIABLES:
        os.environ.pop(name, None)
    os.environ.update(case['environment'])
    http.datadog_agent.get_config = lambda _: case['agent']

    def send(_, request, **options):
        raise Seen(select_proxy(request.url, options['proxies']) or None)

    requests.adapters.HTTPAdapter.send = send
    try:
        http.RequestsWrapper(dict(case['instance']), dict(case['init_config'])).get(case['url'])
    except Seen as seen:
        return seen.args[0]
    raise SystemExit('nothing was sent')


def some_url(dice):
    port = dice.choice(['', '', ':9100', ':443', ':80'])
    return f'{dice.choice(["http", "https"])}://{dice.choice(HOSTS)}{port}/metrics'


def some_entries(dice):
    return [dice.choice(ENTRIES) for _ in range(dice.choice([1, 1, 1, 2, 3]))]


def some_mapping(dice):
    mapping = {name: dice.choice(PROXIES) for name in ('http', 'https') if dice.random() < 0.7}
    if dice.random() < 0.4:
        entries = some_entries(dice)
        mapping['no_proxy'] = dice.choice([entries, dice.choice([',', ';']).join(entries)])
    return mapping


def case_of(url, instance=None, init_config=None, agent=None, environment=None):
    case = {
        'url': url,
        'instance': instance or {},
        'init_config': init_config or {},
        'agent': agent,
        'environment': environment or {},
    }
    case['proxy'] = chosen(case)
    return case


def cases():
    dice = random.Random(7)
    both = {'http': 'http://one:3128', 'https': 'http://two:80'}
    for entry in ENTRIES:
        for host in HOSTS:
            url = f'http://{host}:9100/metrics'
            yield case_of(url, instance={'proxy': both | {'no_proxy': [entry]}})
            yield case_of(url, environment={'HTTP_PROXY': 'http://one:3128', 'NO_PROXY': entry})
    for _ in range(300):
        url, entries = some_url(dice), some_entries(dice)
        text = dice.choice([',', ';', ', ']).join(entries)
        yield case_of(url, instance={'proxy': both | {'no_proxy': dice.choice([entries, text])}})
        environment = {'http_proxy': 'http://one:3128', 'HTTPS_PROXY': 'http://two:80', 'no_proxy': text}
        yield case_of(url, environment=environment)
    for _ in range(600):
        instance, init_config = {}, {}
        if dice.random() < 0.4:
            instance['proxy'] = some_mapping(dice)
        if dice.random() < 0.4:
            init_config['proxy'] = some_mapping(dice)
        for options, name in ((instance, 'skip_proxy'), (instance, 'no_proxy'), (init_config, 'skip_proxy')):
            if dice.random() < 0.15:
                options[name] = dice.choice([True, False, 'yes', 'no'])
        if dice.random() < 0.2:
            init_config['use_agent_proxy'] = dice.choice([True, False])
        agent = some_mapping(dice) if dice.random() < 0.5 else None
        environment = {
            name: ','.join(some_entries(dice)) if 'no_' in name.lower() else dice.choice(PROXIES) or ''
            for name in VARIABLES
            if dice.random() < 0.25
        }
        yield case_of(some_url(dice), instance, init_config, agent, environment)


def main():
    # What a case does not have is left out; no proxy is null.
    tidy = ({name: value for name, value in case.items() if value or name == 'proxy'} for case in cases())
    lines = [json.dumps(case, separators=(',', ':')) for case in tidy]
    sys.stdout.write('[\n' + ',\n'.join(lines) + '\n]\n')


if __name__ == '__main__':
    main()
