#!/usr/bin/env python3
"""What Datadog's own OpenMetrics check makes of a fixture; run by hand, needed neither to build nor to test.

It feeds the recorded responses of a fixture folder (`check.yaml`, `1.http`, `2.http`, ...) to the real
`OpenMetricsBaseCheckV2` and prints what that submits, as JSON. With `--compare` it tells instead where a document of
`retriever check --format json`, or a snapshot of `retriever test`, differs from it.

    tools/oracle.py fixtures/etcd
    tools/oracle.py fixtures/etcd --compare fixtures/etcd/snapshot.json

It installs the check into `target/` when it is first run. Exit status: 0 fine, 1 it differs or the original failed to
scrape, 2 usage, 3 the original cannot be installed.
"""

import argparse
import json
import pathlib
import sys
from importlib import metadata

import environment

try:
    environment.enter()
except environment.NotInstalled as error:
    print(f"Datadog's check cannot be installed: {error}", file=sys.stderr)
    sys.exit(3)

import yaml

from check import START, list_differences, run_instance


def run_fixture(folder, start):
    """The document of a folder: versions of the original, and one entry per instance."""
    settings = yaml.safe_load((folder / 'check.yaml').read_text(encoding='utf-8'))
    paths = sorted((path for path in folder.glob('*.http') if path.stem.isdigit()), key=lambda path: int(path.stem))
    if not paths:
        raise FileNotFoundError(f'`{folder}` holds no recordings (`1.http`, `2.http`, ...)')
    recordings = [path.read_bytes() for path in paths]
    init_config = settings.get('init_config') or {}
    packages = ['datadog-checks-base', 'prometheus-client', 'requests', 'urllib3']
    return {
        'fixture': folder.name,
        'versions': {package: metadata.version(package) for package in packages},
        'instances': [run_instance(init_config, instance, recordings, start) for instance in settings['instances']],
    }


def document_differences(original, document):
    """Where a document of Retriever differs from what the original did, in words; empty where it does not."""
    found = document['instances']
    if len(found) != len(original['instances']):
        return [f'{len(found)} instances instead of {len(original["instances"])}']
    lines = []
    for place, (expected, actual) in enumerate(zip(original['instances'], found), 1):
        where = f'instance {place}'
        if len(actual['scrapes']) != len(expected['expected']):
            lines.append(f'{where}: {len(actual["scrapes"])} scrapes instead of {len(expected["expected"])}')
            continue
        for turn, scrape in enumerate(actual['scrapes']):
            what = f'{where}, scrape {turn + 1}'
            lines += list_differences(f'{what}, submissions', expected['expected'][turn], scrape['submissions'])
            checks = expected['service_checks'][turn]
            lines += list_differences(f'{what}, service checks', checks, scrape['service_checks'])
            if (expected['errors'][turn] is None) != (scrape['error'] is None):
                lines.append(f'{what}: the original says {expected["errors"][turn]!r}, here it is {scrape["error"]!r}')
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', type=pathlib.Path, help='a fixture: a folder with check.yaml, 1.http, 2.http, ...')
    parser.add_argument('--compare', metavar='FILE', help='a document of Retriever (- for stdin) to compare with')
    parser.add_argument('--now', type=float, default=START, help='Unix time of the first scrape (default: %(default)s)')
    arguments = parser.parse_args()
    try:
        original = run_fixture(arguments.folder, arguments.now)
        document = None
        if arguments.compare:
            source = sys.stdin if arguments.compare == '-' else open(arguments.compare, encoding='utf-8')
            with source:
                document = json.load(source)
    except (OSError, ValueError, yaml.YAMLError) as error:
        print(error, file=sys.stderr)
        return 2
    for instance in original['instances']:
        for turn, notes in enumerate(instance['warnings'], 1):
            for note in notes:
                print(f'the original warns, scrape {turn}: {note}', file=sys.stderr)
    if document is not None:
        lines = document_differences(original, document)
        print('\n'.join(lines) if lines else 'the same')
        return 1 if lines else 0
    json.dump(original, sys.stdout, indent=1)
    print()
    failed = [instance['error'] for instance in original['instances'] if instance['error']]
    for error in failed:
        print(f'the original fails: {error}', file=sys.stderr)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
