"""Makes a differing case as small as it can be while it still differs in the same way."""

import copy
import dataclasses
import re

from cases import Broken, judge

# Without its bound a bucket is none.
LABEL = re.compile(r',?(?<![\w.:"])(?!le=|quantile=)[\w.:"]+="(?:[^"\\]|\\.)*"')
VALUE_AND_MORE = re.compile(r' \S+( \S+)*( # .*)?$')
# In the order in which they are looked for; what stands in a line of a verdict.
KINDS = ['ended with', 'settings', 'malformed', 'another order', 'service checks', 'submissions', 'original says']


def shrink(binary, case, verdict, now):
    """The smallest case that was found, and its differences in words."""
    kind = kind_of(verdict)

    def differs(smaller):
        try:
            (found,) = judge(binary, [smaller], now)
        except (Broken, ValueError, KeyError, TypeError):
            return None
        return found if kind_of(found) == kind else None

    while True:
        smaller = one_round(case, differs)
        if smaller is None:
            break
        case = smaller
    found = differs(case) or verdict
    return case, found.lines or [f'the original cannot read the exposition: {found.unreadable}']


def kind_of(verdict):
    """What must stay as it is: what differs, and what the original says of it."""
    first = next((kind for kind in KINDS if any(kind in line for line in verdict.lines)), None)
    said = next((line for line in verdict.lines if 'original says' in line), '')
    error = re.search(r"says '(\w+)", said)
    return first, error and error[1], bool(verdict.unreadable), verdict.refused


def likeness(case, lines):
    """What small cases of one cause most likely have in common: the words of the settings, and what differs."""
    kind = next((kind for kind in KINDS if any(kind in line for line in lines)), None)
    said = [re.sub(r"'[^']*'", '', line) for line in lines if kind == 'settings' and 'original says' in line]
    patterns = re.findall(r'`[^`]*`', ' '.join(lines)) if said else []
    return kind, tuple(sorted(words(case.instance))), tuple(said), tuple(patterns)


def words(settings):
    """The options, and the types of entries."""
    for option, value in settings.items():
        yield option
        if option in ('metrics', 'extra_metrics') and isinstance(value, list):
            for rules in (entry for entry in value if isinstance(entry, dict)):
                for rule in (rule for rule in rules.values() if isinstance(rule, dict)):
                    yield str(rule.get('type'))


def one_round(case, differs):
    """A smaller case, or `None` when none of the reductions leaves a difference."""
    found = None
    for reduce in (fewer_answers, fewer_lines, fewer_options, simpler_answers, simpler_lines):
        progress = True
        while progress:
            progress = False
            for smaller in reduce(case):
                if differs(smaller):
                    case = found = smaller
                    progress = True
                    break
    return found


def fewer_answers(case):
    if len(case.answers) > 1:
        for turn in range(len(case.answers)):
            yield dataclasses.replace(case, answers=case.answers[:turn] + case.answers[turn + 1 :])


def with_lines(case, turn, lines):
    answers = list(case.answers)
    answers[turn] = dataclasses.replace(answers[turn], lines=lines)
    return dataclasses.replace(case, answers=answers)


def fewer_lines(case):
    for turn, answer in enumerate(case.answers):
        size = len(answer.lines)
        while size:
            for start in range(0, len(answer.lines), size):
                yield with_lines(case, turn, answer.lines[:start] + answer.lines[start + size :])
            size //= 2


def fewer_options(case):
    for instance in without_one(case.instance):
        if 'openmetrics_endpoint' in instance:
            yield dataclasses.replace(case, instance=instance)


def without_one(value):
    """`value` without one of its entries, or of the entries of one of them."""
    if isinstance(value, dict):
        for key in value:
            yield {other: entry for other, entry in value.items() if other != key}
        for key, entry in value.items():
            for smaller in without_one(entry):
                yield {**value, key: smaller}
    elif isinstance(value, list):
        for place in range(len(value)):
            yield value[:place] + value[place + 1 :]
        for place, entry in enumerate(value):
            for smaller in without_one(entry):
                yield [*value[:place], smaller, *value[place + 1 :]]


def simpler_answers(case):
    for turn, answer in enumerate(case.answers):
        simpler = copy.copy(answer)
        simpler.zipped = False
        simpler.fields = {name: value for name, value in answer.fields.items() if name != 'Content-Length'}
        if simpler != answer:
            yield dataclasses.replace(case, answers=[*case.answers[:turn], simpler, *case.answers[turn + 1 :]])


def simpler_lines(case):
    for turn, answer in enumerate(case.answers):
        for place, line in enumerate(answer.lines):
            for simpler in simpler_line(line):
                yield with_lines(case, turn, [*answer.lines[:place], simpler, *answer.lines[place + 1 :]])


def simpler_line(line):
    """Without a label, without what follows the value, with the value 1."""
    if line.startswith('#'):
        return
    for label in LABEL.finditer(line):
        yield (line[: label.start()] + line[label.end() :]).replace('{,', '{').replace('{}', '')
    plain = VALUE_AND_MORE.sub(' 1', line) if '{' not in line else None
    if '}' in line:
        head, brace, tail = line.rpartition('} ')
        plain = f'{head}{brace}1' if brace and tail != '1' else None
    if plain and plain != line:
        yield plain
