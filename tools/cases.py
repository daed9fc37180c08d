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
from check import AGENT_STARTED, START, list_differences, run_instance
from differences import Known, avoid, original
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

    # The settings that were compared.
    instance: dict
    known: dict
    # The original refused the settings; it failed in a scrape; it could not read an exposition.
    refused: bool
    failed: bool
    unreadable: str | None
    # Whether the sources of shared labels change from scrape to scrape although they are remembered.
    undecided: bool
    # Whether `target_info` is announced without samples.
    announced: bool
    submissions: int
    lines: list = dataclasses.field(default_factory=list)


def make_cases(seed, numbers, without=()):
    """The cases of these numbers, which belong to one target."""
    target = expositions.make_target(random.Random(f'{seed} target {numbers[0] // CASES_OF_A_TARGET}'))
    cases = []
    for number in numbers:
        endpoint = f'http://localhost:{9000 + number % CASES_OF_A_TARGET}/metrics'
        instance = Settings(random.Random(f'{seed} case {number}'), target).make(endpoint)
        leave_out(instance, without)
        avoid(instance, target.answers)
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
        command = [binary, 'check', config, '--format', 'json', '--now', str(now), '--started', str(AGENT_STARTED)]
        for turn, answer in enumerate(cases[0].answers):
            path = folder / f'{turn}.http'
            path.write_bytes(answer.raw())
            command += ['--fixture', path]
        # Variables of the user must not reach the settings.
        done = subprocess.run(command, capture_output=True, env={}, timeout=SECONDS, check=False)
    try:
        instances = json.loads(done.stdout)['instances']
    except ValueError:
        if len(cases) > 1:
            return [entry for case in cases for entry in run_retriever(binary, [case], now)]
        last = ' | '.join(done.stderr.decode(errors='replace').splitlines()[-3:])
        return [{'error': None, 'scrapes': [], 'ended': f'`retriever check` ended with {done.returncode}: {last}'}]
    if len(instances) != len(cases):
        raise Broken(f'`retriever check` shows {len(instances)} instances instead of {len(cases)}')
    return instances


def compare(case, actual, now):
    """Runs the original and compares what Retriever did with it."""
    known = Known(case.instance)
    runs = []
    turns = [functools.partial(known.raw_answer, answer) for answer in case.answers]
    expected = run_instance(
        {}, known.settings(case.answers), turns, now, original(known), lambda: runs.append(known.finish())
    )
    if not expected['refused']:
        known.see(runs, case.answers)
    verdict = Verdict(
        instance=case.instance,
        known=known.counts,
        refused=expected['refused'],
        failed=bool(expected['error']) and not expected['refused'],
        unreadable=next((run.unreadable for run in runs if run.unreadable and 'EOF' not in run.unreadable), None),
        undecided=known.is_unsettled,
        announced=any(run.lent.get('target_info') == [] for run in runs),
        submissions=sum(len(scrape) for scrape in expected['expected']),
    )
    if 'ended' in actual:
        verdict.lines.append(actual['ended'])
        return verdict
    if expected['refused'] or actual['error'] is not None:
        said = expected['error'] if expected['refused'] else None
        if (said is None) != (actual['error'] is None):
            verdict.lines.append(f'settings: the original says {said!r}, here it is {actual["error"]!r}')
        return verdict
    for turn, scrape in enumerate(actual['scrapes']):
        error = expected['errors'][turn]
        submissions = known.submissions(expected['expected'][turn], case.answers, error is None)
        checks = known.shown(expected['service_checks'][turn])
        lines = list_differences('submissions', submissions, scrape['submissions'])
        lines += list_differences('service checks', checks, scrape['service_checks'])
        if (error is None) != (scrape['error'] is None):
            lines.append(f'the original says {error!r}, here it is {scrape["error"]!r}')
        malformed = sum(entry['count'] for entry in scrape['dropped'] if entry['reason'] == MALFORMED)
        if error is None and malformed != runs[turn].malformed:
            lines.append(f'{malformed} malformed lines instead of {runs[turn].malformed}')
        verdict.lines += [line if line.startswith(' ') else f'scrape {turn + 1}, {line}' for line in lines]
    return verdict


def judge(binary, cases, now=START):
    """The verdict on each of these cases, which share their answers."""
    actual = run_retriever(binary, cases, now)
    verdicts = [compare(case, found, now) for case, found in zip(cases, actual, strict=True)]
    return [settle(binary, case, verdict, now) for case, verdict in zip(cases, verdicts, strict=True)]


def settle(binary, case, verdict, now):
    """The verdict on a case, or on the closest one that can be compared."""
    applied = []
    while (change := comparable_settings(verdict.instance, verdict)) is not None:
        number, instance = change
        applied.append(number)
        case = dataclasses.replace(case, instance=instance)
        (found,) = run_retriever(binary, [case], now)
        verdict = compare(case, found, now)
    verdict.known.update(applied)
    return verdict


def comparable_settings(instance, verdict):
    """The difference because of which a case cannot be compared as it is, and settings close to its own."""
    if verdict.undecided:
        # 6: what is remembered of other scrapes is not the same; what is found anew in each is.
        return 6, {**instance, 'cache_shared_labels': False}
    if verdict.announced and 'target_info' in instance:
        # 6: the search for labels goes on behind an announcement.
        return 6, {option: value for option, value in instance.items() if option != 'target_info'}
    if verdict.unreadable and 'raw_line_filters' in instance:
        # 1: the lines that are left break rules that the original holds OpenMetrics to.
        return 1, {option: value for option, value in instance.items() if option != 'raw_line_filters'}
    return None
