"""Drives Datadog's own OpenMetrics check (`OpenMetricsBaseCheckV2`) on recorded responses, and keeps what it submits.

Everything from the HTTP response on is the original's: charset, chunks of 16 KiB, parser, transformers, metric limit.
Only the network, the Agent and the clock are replaced. Import it where `environment.enter` has been called.
"""

import collections
import copy
import io
import json
import math

import requests
import urllib3
from datadog_checks.base import OpenMetricsBaseCheckV2
from datadog_checks.base.checks import base
from datadog_checks.base.checks.openmetrics.v2.transformers import time_elapsed
from datadog_checks.base.utils.metadata import core as check_metadata

# The clock of a replay: its first scrape, and the seconds between two where the instance says nothing.
START = 1_700_000_000.0
INTERVAL = 15.0
# When the Agent is taken to have started: within the reach of what random targets say of their own start.
AGENT_STARTED = 1_699_999_000.0
STATUSES = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN']
SHOWN = 10


class Recordings(requests.adapters.HTTPAdapter):
    """Answers every request with the recording that is its turn."""

    def __init__(self):
        super().__init__()
        self.current = None
        self.requests = 0

    def send(self, request, **_):
        self.requests += 1
        status, reason, headers, body = parse_response(self.current)
        raw = urllib3.HTTPResponse(
            body=io.BytesIO(body),
            headers=headers,
            status=status,
            reason=reason,
            preload_content=False,
            enforce_content_length=False,
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
        self.submissions.append(
            {
                'type': types[mtype],
                'name': name,
                'value': number(value),
                'tags': sorted(tags),
                'hostname': hostname,
                'flush_first_value': flush_first_value,
            }
        )

    def submit_histogram_bucket(self, *arguments):
        self._bucket(arguments, multiple=False)

    def submit_histogram_bucket_multi(self, *arguments):
        self._bucket(arguments, multiple=True)

    def _bucket(self, arguments, multiple):
        _, _, name, value, lower, upper, monotonic, hostname, tags, flush_first_value = arguments
        self.submissions.append(
            {
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
            }
        )

    def submit_service_check(self, check, check_id, name, status, tags, hostname, message):
        self.checks.append(
            {
                'name': name,
                'status': STATUSES[status],
                'tags': sorted(tags),
                'hostname': hostname,
                'message': message,
            }
        )

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


def run_instance(init_config, instance, recordings, start, build=OpenMetricsBaseCheckV2, after=None):
    """All scrapes of one instance, on one check object that `build` makes; `after` is called after each.

    `recordings` are raw HTTP responses, or functions that make them when it is their turn. `refused` says that the
    original took the settings for wrong: it made no request.
    """
    aggregator = Aggregator()
    adapter = Recordings()
    base.aggregator = aggregator
    agent = check_metadata.datadog_agent
    agent.set_check_metadata = aggregator.set_check_metadata
    agent.set_process_start_time(AGENT_STARTED)
    requests.Session.get_adapter = lambda session, url: adapter
    result = {
        'endpoint': instance.get('openmetrics_endpoint'),
        'expected': [],
        'service_checks': [],
        'errors': [],
        'warnings': [],
        'refused': True,
    }
    try:
        check = build('openmetrics', copy.deepcopy(init_config), [copy.deepcopy(instance)])
    except Exception as error:  # any error is the original's verdict on the settings
        result['error'] = f'{type(error).__name__} | {error}'
        return result
    interval = float(instance.get('min_collection_interval', INTERVAL))
    for turn, recording in enumerate(recordings):
        now = start + turn * interval
        time_elapsed.get_timestamp = lambda now=now: now
        adapter.current = recording() if callable(recording) else recording
        aggregator.begin()
        result['errors'].append(failure(check.run()))
        result['expected'].append(aggregator.submissions)
        result['service_checks'].append(aggregator.checks)
        result['warnings'].append([str(warning) for warning in check.get_warnings()])
        if after:
            after()
    result['refused'] = not adapter.requests
    result['error'] = next((error for error in result['errors'] if error), None)
    return result


def comparable(entry):
    """One text per entry, the same for equal entries: `1` and `1.0` are one number, so are `0` and `-0`, tags have no
    order, and of a submission (12) none counts twice."""
    fields = dict(entry)
    for field in ('value', 'lower_bound', 'upper_bound'):
        if isinstance(fields.get(field), (int, float)):
            fields[field] = float(fields[field]) + 0.0
    if 'tags' in fields:
        fields['tags'] = sorted(set(fields['tags']) if 'type' in fields else fields['tags'])
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
