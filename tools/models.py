#!/usr/bin/env python3
"""Lets the models of Datadog's own API client read the JSON that Retriever sends.

    cargo test --test decode            # leaves the payloads in target/tmp/decode
    tools/models.py [FOLDER]

Files are `check_run-*.json`, `events-*.json` and `metadata-*.json`, each the body of a request. A body is right if the
client's model takes all of it, knows every field, and gives the same when it is written again.

It installs the client into `target/` when it is first run. Exit status: 0 all are right, 1 some are not, 2 there are
none, 3 the client cannot be installed.
"""

import json
import pathlib
import sys

import environment

try:
    environment.enter(environment.MODELS)
except environment.NotInstalled as error:
    print(f"Datadog's client cannot be installed: {error}", file=sys.stderr)
    sys.exit(3)

from datadog_api_client.configuration import Configuration
from datadog_api_client.model_utils import model_to_dict, validate_and_convert_types
from datadog_api_client.v1.model.event_create_request import EventCreateRequest
from datadog_api_client.v1.model.metric_metadata import MetricMetadata
from datadog_api_client.v1.model.service_check import ServiceCheck

# The model of one entry by the kind of request.
MODELS = {'check_run': ServiceCheck, 'events': EventCreateRequest, 'metadata': MetricMetadata}
# What entries need beside what the models insist on.
NEEDED = {'check_run': {'check', 'host_name', 'status', 'tags', 'timestamp'}, 'events': {'title', 'text'}, 'metadata': set()}
DEFAULT = pathlib.Path(__file__).resolve().parent.parent / 'target' / 'tmp' / 'decode'


def faults(kind, entry):
    """What is wrong with an entry."""
    model = MODELS[kind]
    try:
        parsed = validate_and_convert_types(entry, (model,), [kind], True, True, Configuration())
    except Exception as error:  # whatever the client objects to
        return [f'{type(error).__name__}: {error}']
    found = [f'the model does not know `{name}`' for name in entry if name not in model.attribute_map.values()]
    found += [f'`{name}` is missing' for name in sorted(NEEDED[kind] - entry.keys())]
    if parsed._unparsed:
        found.append('the model does not take it')
    elif model_to_dict(parsed) != entry:
        found.append(f'written again it is {model_to_dict(parsed)}')
    return found


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    read, wrong = 0, 0
    for path in sorted(folder.glob('*.json')) if folder.is_dir() else []:
        kind = path.name.rsplit('-', 1)[0]
        body = json.loads(path.read_bytes())
        for entry in body if isinstance(body, list) else [body]:
            read += 1
            if found := faults(kind, entry):
                wrong += 1
                print(f'{path.name}: {"; ".join(found)}\n  {json.dumps(entry)}')
    print(f'{read} entries read by the models of the client, {wrong} of them wrong')
    if not read:
        print(f'there is nothing in `{folder}`: run `cargo test --test decode`', file=sys.stderr)
        return 2
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
