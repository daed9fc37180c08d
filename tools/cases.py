"""One case of the differential test: made from its number, given to the original and to Retriever, and compared."""

import dataclasses
import functools
import json
import pathlib
import random
import subprocess
import tempfile

import yaml

import expositions
from check import START, list_differences, run_instance
from differences import SHOW, Known, original
from settings import Settings

# So many cases follow each other on one target, whose answers one process of Retriever replays for all of them.
CASES_OF_A_TARGET = 20
# What `check` calls a line that it could not read.
MALFORMED = 'malformed line'
SECONDS = 120


class Dumper(getattr(yaml, 'CSafeDumper', yaml.SafeDumper)):
    """Writes YAML that all of its versions read in the same way."""


def write_text(dumper, text):
    # Some versions take these letters for booleans.
    style = '"' if text.lower() in ('y', 'n') else None
    return dumper.represent_scalar('tag:yaml.org,2002:str', text, style=style)


Dumper.add_representer(str, write_text)


class Broken(Exception):
    """Something other than a difference: Retriever cannot be run, or a case is not what it should be."""


@dataclasses.dataclass
class Case:
    """The settings of one instance and what its target answers."""

    number: int
    instance: dict
    answers: list


@dataclasses.dataclass
class Verdict:
    """What became of one case: differences in words, and how often each known difference made one."""

    lines: list
    known: dict
    # The original refused the settings; it failed in a scrape; it could not read an exposition; what it submitted.
    refused: bool
    failed: bool
    unreadable: str | None
    submissions: int


def make_cases(seed, numbers, without=()):
    """The cases of these numbers, which belong to one target."""
    target = expositions.make_target(random.Random(f'{seed} target {numbers[0] // CASES_OF_A_TARGET}'))
    cases = []
    for number in numbers:
        endpoint = f'http://localhost:{9000 + number % CASES_OF_A_TARGET}/metrics'
        instance = Settings(random.Random(f'{seed} case {number}'), target).make(endpoint)
        leave_out(instance, without)
        cases.append(Case(number, instance, target.answers))
    return cases


def leave_out(instance, options):
    """Removes options; `scheme` is that of metadata."""
    for option in options:
        instance.pop(option, None)
    if 'scheme' not in options:
        return
    for entries in (instance.get('metrics'), instance.get('extra_metrics')):
        for entry in entries if isinstance(entries, list) else []:
            for value in entry.values() if isinstance(entry, dict) else []:
                if isinstance(value, dict) and value.get('type') == 'metadata' and value.get('name') == 'version':
                    value['name'] = 'about'


def as_yaml(instances):
    return yaml.dump({'init_config': {}, 'instances': instances}, Dumper=Dumper, allow_unicode=True, sort_keys=False)


def run_retriever(binary, cases, now):
    """What Retriever makes of cases that share their answers: one entry for each."""
    with tempfile.TemporaryDirectory(prefix='differential-') as folder:
        folder = pathlib.Path(folder)
        config = folder / 'config.yaml'
        config.write_text(as_yaml([case.instance for case in cases]), encoding='utf-8')
        command = [binary, 'check', config, '--format', 'json', '--now', str(now)]
        for turn, answer in enumerate(cases[0].answers):
            path = folder / f'{turn}.http'
            path.write_bytes(answer.raw())
            command += ['--fixture', path]
        # Variables of the user must not reach the settings.
        done = subprocess.run(command, capture_output=True, env={}, timeout=SECONDS, check=False)
    try:
        instances = json.loads(done.stdout)['instances']
    except ValueError:
        raise Broken(
            f'`retriever check` ended with {done.returncode}: {done.stderr.decode(errors="replace")}'
        ) from None
    if len(instances) != len(cases):
        raise Broken(f'`retriever check` shows {len(instances)} instances instead of {len(cases)}')
    return instances


def compare(case, actual, now):
    """Runs the original and compares what Retriever did with it."""
    known = Known(case.instance)
    malformed, unreadable = [], []

    def answer(turn):
        # What an answer is not read for must not count for it.
        known.malformed, known.unreadable = 0, None
        return known.answer(case.answers[turn]).raw()

    def note():
        malformed.append(known.malformed)
        unreadable.append(known.unreadable)

    turns = [functools.partial(answer, turn) for turn in range(len(case.answers))]
    expected = run_instance({}, known.settings(case.answers), turns, now, original(known), note)
    submissions = sum(len(scrape) for scrape in expected['expected'])
    if submissions > 2000:
        known.counts[8] += 1
    reason = next((reason for reason in unreadable if reason and 'EOF' not in reason), None)
    failed = bool(expected['error']) and not expected['refused']
    verdict = Verdict([], known.counts, expected['refused'], failed, reason, submissions)
    if expected['refused'] or actual['error'] is not None:
        if expected['refused'] != (actual['error'] is not None):
            said = expected['error'] if expected['refused'] else None
            verdict.lines.append(f'settings: the original says {said!r}, here it is {actual["error"]!r}')
        return verdict
    if len(actual['scrapes']) != len(case.answers):
        verdict.lines.append(f'{len(actual["scrapes"])} scrapes instead of {len(case.answers)}')
        return verdict
    for turn, scrape in enumerate(actual['scrapes']):
        what = f'scrape {turn + 1}'
        shown = [shown_entry(entry) for entry in known.submissions(expected['expected'][turn])]
        checks = [shown_entry(entry) for entry in expected['service_checks'][turn]]
        verdict.lines += list_differences(f'{what}, submissions', shown, scrape['submissions'])
        verdict.lines += list_differences(f'{what}, service checks', checks, scrape['service_checks'])
        if (expected['errors'][turn] is None) != (scrape['error'] is None):
            verdict.lines.append(
                f'{what}: the original says {expected["errors"][turn]!r}, here it is {scrape["error"]!r}'
            )
        counted = sum(entry['count'] for entry in scrape['dropped'] if entry['reason'] == MALFORMED)
        if expected['errors'][turn] is None and counted != malformed[turn]:
            verdict.lines.append(f'{what}: {counted} malformed lines instead of {malformed[turn]}')
    return verdict


def shown_entry(entry):
    """An entry with the characters that had stand-ins."""
    fields = {key: value.translate(SHOW) if isinstance(value, str) else value for key, value in entry.items()}
    if 'tags' in fields:
        fields['tags'] = [tag.translate(SHOW) for tag in fields['tags']]
    return fields


def judge(binary, cases, now=START):
    """The verdict on each of these cases, which share their answers."""
    actual = run_retriever(binary, cases, now)
    return [compare(case, found, now) for case, found in zip(cases, actual, strict=True)]
