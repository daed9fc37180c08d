#!/usr/bin/env python3
"""What Datadog's own OpenMetrics check makes of a fixture; run by hand, needed neither to build nor to test.

It feeds the recorded responses of a fixture folder (`check.yaml`, `1.http`, `2.http`, ...) to the real
`OpenMetricsBaseCheckV2` and prints what that submits, as JSON. With `--compare` it tells instead where a document of
`retriever check --format json`, or a snapshot of `retriever test`, differs from it.

    python3 -m venv /tmp/oracle
    /tmp/oracle/bin/pip install --only-binary :all: 'datadog-checks-base[deps]'
    /tmp/oracle/bin/python tools/oracle.py fixtures/etcd
    /tmp/oracle/bin/python tools/oracle.py fixtures/etcd --compare fixtures/etcd/snapshot.json

Everything from the HTTP response on is the original's: charset, chunks of 16 KiB, parser, transformers, metric limit.
Only the network, the Agent and the clock are replaced. Exit status: 0 fine, 1 it differs or the original failed
to scrape, 2 usage or the original is not installed.
"""

import argparse
import collections
import copy
import io
import json
import math
import pathlib
import sys
from importlib import metadata

try:
    import requests
    import urllib3
    import yaml
    from datadog_checks.base import OpenMetricsBaseCheckV2
    from datadog_checks.base.checks import base
    from datadog_checks.base.checks.openmetrics.v2.transformers import time_elapsed
    from datadog_checks.base.utils.metadata import core as check_metadata
except ImportError as error:
    if __name__ == '__main__':
        print(f'{error}: install it as the head of this file says, and run this with that python', file=sys.stderr)
        sys.exit(2)
    raise

# The clock of a replay: its first scrape, and the seconds between two where the instance says nothing.
START = 1_700_000_000.0
INTERVAL = 15.0
STATUSES = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN']
SHOWN = 10


class Recordings(requests.adapters.HTTPAdapter):
    """Answers every request with the recording that is its turn."""

    def __init__(self):
        super().__init__()
        self.current = None

    def send(self, request, **_):
        status, reason, headers, body = parse_response(self.current)
        raw = urllib3.HTTPResponse(
            body=io.BytesIO(body), headers=headers, status=status, reason=reason, preload_content=False
        )
        return self.build_response(request, raw)


class Aggregator(type(base.aggregator)):
    """Stands where the Agent's aggregator stands and keeps what the check hands over, in order."""

    def __init__(self):
        super().__init__()
        self.begin()

    def begin(self):
        self.submissions = []
        self.checks = []

    def submit_metric(self, check, check_id, mtype, name, value, tags, hostname, flush_first_value):
        types = {number: kind for kind, number in self.METRIC_ENUM_MAP.items()}
        self.submissions.append({
            'type': types[mtype],
            'name': name,
            'value': number(value),
            'tags': sorted(tags),
            'hostname': hostname,
            'flush_first_value': flush_first_value,
        })

    def submit_histogram_bucket(self, *arguments):
        self._bucket(arguments, multiple=False)

    def submit_histogram_bucket_multi(self, *arguments):
        self._bucket(arguments, multiple=True)

    def _bucket(self, arguments, multiple):
        _, _, name, value, lower, upper, monotonic, hostname, tags, flush_first_value = arguments
        self.submissions.append({
            'type': 'histogram_bucket',
            'name': name,
            'value': value,
            'lower_bound': number(lower),
            'upper_bound': number(upper),
            'monotonic': monotonic,
            'tags': sorted(tags),
            'hostname': hostname,
            'flush_first_value': flush_first_value,
            'multiple_buckets': multiple,
        })

    def submit_service_check(self, check, check_id, name, status, tags, hostname, message):
        self.checks.append({
            'name': name,
            'status': STATUSES[status],
            'tags': sorted(tags),
            'hostname': hostname,
            'message': message,
        })

    def set_check_metadata(self, check_id, name, value):
        self.submissions.append({'type': 'metadata', 'name': name, 'value': value})


def number(value):
    """JSON knows neither NaN nor infinities."""
    value = float(value)
    return value if math.isfinite(value) else str(value)


def parse_response(raw):
    """Splits a raw HTTP response as `curl -i` saves it."""
    head, separator, body = raw.partition(b'\r\n\r\n')
    if not separator or not head.startswith(b'HTTP/'):
        raise ValueError('it is no raw HTTP response')
    status_line, *fields = head.decode('iso-8859-1').split('\r\n')
    _, status, *reason = status_line.split(' ', 2)
    headers = urllib3.HTTPHeaderDict()
    for field in fields:
        name, _, value = field.partition(':')
        headers.add(name, value.strip())
    return int(status), ''.join(reason), headers, body


def failure(report):
    """`None`, or type and message of what ended a run."""
    if not report:
        return None
    report = json.loads(report)[0]
    kind = report['traceback'].rstrip().splitlines()
    kind = next((line.split(':')[0] for line in reversed(kind) if line and not line[0].isspace()), 'Exception')
    return f'{kind.rsplit(".", 1)[-1]} | {report["message"]}'


def run_instance(init_config, instance, recordings, start):
    """All scrapes of one instance, on one check object."""
    aggregator = Aggregator()
    adapter = Recordings()
    base.aggregator = aggregator
    check_metadata.datadog_agent.set_check_metadata = aggregator.set_check_metadata
    requests.Session.get_adapter = lambda session, url: adapter
    result = {
        'endpoint': instance.get('openmetrics_endpoint'),
        'expected': [],
        'service_checks': [],
        'errors': [],
        'warnings': [],
    }
    try:
        check = OpenMetricsBaseCheckV2('openmetrics', copy.deepcopy(init_config), [copy.deepcopy(instance)])
    except Exception as error:  # any error is the original's verdict on the settings
        result['error'] = f'{type(error).__name__} | {error}'
        return result
    interval = float(instance.get('min_collection_interval', INTERVAL))
    for turn, recording in enumerate(recordings):
        now = start + turn * interval
        time_elapsed.get_timestamp = lambda now=now: now
        adapter.current = recording
        aggregator.begin()
        result['errors'].append(failure(check.run()))
        result['expected'].append(aggregator.submissions)
        result['service_checks'].append(aggregator.checks)
        result['warnings'].append([str(warning) for warning in check.get_warnings()])
    result['error'] = next((error for error in result['errors'] if error), None)
    return result


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


def comparable(entry):
    """One text per entry, the same for equal entries: `1` and `1.0` are one number, tags have no order."""
    fields = dict(entry)
    for field in ('value', 'lower_bound', 'upper_bound'):
        if isinstance(fields.get(field), (int, float)):
            fields[field] = float(fields[field])
    if 'tags' in fields:
        fields['tags'] = sorted(fields['tags'])
    return json.dumps(fields, sort_keys=True)


def list_differences(what, expected, actual):
    expected, actual = [comparable(entry) for entry in expected], [comparable(entry) for entry in actual]
    if expected == actual:
        return []
    missing = list((collections.Counter(expected) - collections.Counter(actual)).elements())
    surplus = list((collections.Counter(actual) - collections.Counter(expected)).elements())
    if not missing and not surplus:
        return [f'{what}: the same {len(expected)} entries in another order']
    lines = [f'{what}: {len(missing)} missing, {len(surplus)} too many']
    for sign, entries in (('-', missing), ('+', surplus)):
        lines += [f'  {sign} {entry}' for entry in entries[:SHOWN]]
        if len(entries) > SHOWN:
            lines.append(f'  {sign} ... and {len(entries) - SHOWN} more')
    return lines


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
