#!/usr/bin/env python3
"""Compares Retriever with Datadog's own OpenMetrics check on random settings and expositions.

Each case is made from a seed and its number: the settings of one instance, and what its target answers in one to
four scrapes. The real `OpenMetricsBaseCheckV2` and `retriever check --format json` get the same, and have to submit the
same, in the same order, with the same service checks, and to fail in the same scrapes. What `docs/compatibility.md`
numbers as a difference is told to the original beforehand (`differences.py`), and counted.

    tools/differential.py                           # 300 cases
    tools/differential.py --cases 10000 --jobs 2
    tools/differential.py --seed 7 --case 1234 --shrink

It installs the check into `target/` and builds the binary when it is first run. Exit status: 0 no difference, 1 some,
2 usage or something broken, 3 the check cannot be installed.
"""

import argparse
import collections
import logging
import multiprocessing
import pathlib
import subprocess
import sys
import warnings

import environment

try:
    environment.enter()
except environment.NotInstalled as error:
    print(f"Datadog's check cannot be installed: {error}", file=sys.stderr)
    sys.exit(3)

import shrinking
from cases import CASES_OF_A_TARGET, Broken, as_yaml, judge, make_cases
from check import START

ROOT = pathlib.Path(__file__).resolve().parent.parent


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seed', default='1', help='what all cases are made from (default: %(default)s)')
    parser.add_argument('--cases', type=int, default=300, help='how many (default: %(default)s)')
    parser.add_argument('--case', type=int, metavar='NUMBER', help='this one alone')
    parser.add_argument('--without', default='', metavar='OPTION,...', help='leave these options out of the settings')
    parser.add_argument('--jobs', type=int, default=1, help='processes (default: %(default)s)')
    parser.add_argument('--shrink', action='store_true', help='make what differs as small as it can be')
    parser.add_argument('--show', type=int, default=3, help='how many differing cases are shown (default: %(default)s)')
    parser.add_argument('--now', type=float, default=START, help='Unix time of the first scrape (default: %(default)s)')
    parser.add_argument(
        '--retriever', type=pathlib.Path, help='the binary (default: build and use target/debug/retriever)'
    )
    return parser.parse_args()


def build():
    subprocess.run(['cargo', 'build', '--locked', '--quiet'], cwd=ROOT, check=True)
    return ROOT / 'target' / 'debug' / 'retriever'


def judge_batch(work):
    seed, numbers, without, binary, now = work
    cases = make_cases(seed, numbers, without)
    try:
        return list(zip(numbers, judge(binary, cases, now), strict=True))
    except Broken:
        raise
    except Exception as error:
        raise Broken(f'cases {numbers[0]} to {numbers[-1]} of seed {seed}: {error!r}') from error


def batches(arguments):
    numbers = [arguments.case] if arguments.case is not None else range(arguments.cases)
    grouped = collections.defaultdict(list)
    for number in numbers:
        grouped[number // CASES_OF_A_TARGET].append(number)
    without = [option for option in arguments.without.split(',') if option]
    return [(arguments.seed, group, without, arguments.retriever, arguments.now) for group in grouped.values()]


def show(arguments, number, verdict, seen):
    """One differing case, with everything that is needed to look into it, unless one like it was shown."""
    without = [option for option in arguments.without.split(',') if option]
    (case,) = make_cases(arguments.seed, [number], without)
    case.instance = verdict.instance
    lines = verdict.lines or [f'the original cannot read the exposition: {verdict.unreadable}']
    if arguments.shrink:
        case, lines = shrinking.shrink(arguments.retriever, case, verdict, arguments.now)
        likeness = shrinking.likeness(case, lines)
        if likeness in seen:
            return
        seen.add(likeness)
    again = f'tools/differential.py --seed {arguments.seed} --case {number}'
    print(f'\n== case {number} ({again}{f" --without {arguments.without}" if without else ""})\n')
    print(as_yaml([case.instance]))
    for turn, answer in enumerate(case.answers, 1):
        fields = ', '.join(f'{name}: {value}' for name, value in answer.fields.items())
        print(f'-- scrape {turn}: {answer.status}, {fields}{", gzip" if answer.zipped else ""}')
        print(''.join(f'{visible(line)}\n' for line in answer.lines))
    print('\n'.join(lines), flush=True)


def visible(line):
    return ''.join(character if character.isprintable() else f'<U+{ord(character):04X}>' for character in line)


def main():
    arguments = parse_arguments()
    # The original logs each failed scrape, many of which are meant to fail.
    logging.disable(logging.CRITICAL)
    warnings.simplefilter('ignore')
    try:
        arguments.retriever = arguments.retriever or build()
        return run(arguments)
    except (Broken, OSError, subprocess.SubprocessError) as error:
        print(error, file=sys.stderr)
        return 2


def run(arguments):
    counts, known, differing, seen = collections.Counter(), collections.Counter(), [], set()
    with multiprocessing.Pool(arguments.jobs) as pool:
        for verdicts in pool.imap(judge_batch, batches(arguments)):
            for number, verdict in verdicts:
                known.update(verdict.known.keys())
                counts.update(
                    cases=1,
                    refused=int(verdict.refused),
                    failed=int(verdict.failed),
                    submissions=verdict.submissions,
                    silent=int(not verdict.submissions),
                )
                if verdict.lines or verdict.unreadable:
                    differing.append((number, verdict))
                    if (len(seen) if arguments.shrink else len(differing) - 1) < arguments.show:
                        show(arguments, number, verdict, seen)
    print(
        f'{counts["cases"]} cases, {counts["submissions"]} submissions; in {counts["refused"]} cases the settings are '
        f'refused, in {counts["failed"]} a scrape fails, in {counts["silent"]} nothing is submitted'
    )
    print('known differences applied, in cases:', ', '.join(f'{n}: {known[n]}' for n in sorted(known)) or 'none')
    print(f'{len(differing)} cases differ', *(f'{number}' for number, _ in differing[:100]))
    return 1 if differing else 0


if __name__ == '__main__':
    sys.exit(main())
