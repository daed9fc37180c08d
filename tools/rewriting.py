"""The numbered differences that lie in the lines of an exposition: the lines for the original's parser."""

import math
import re
from itertools import pairwise

from expositions import MALFORMED
from rules import Rules, is_excluded, is_forced, without_prefix

# Unicode has more line ends than the formats have; the original splits lines at all of them.
LINE_ENDS = '\u000b\u000c\u001c\u001d\u001e\u0085\u2028\u2029'
# Blanks as well, so that patterns find them too.
STAND_INS = {end: chr(0x2000 + place) for place, end in enumerate(LINE_ENDS)}
HIDE = str.maketrans(STAND_INS)
SHOW = str.maketrans({stand_in: end for end, stand_in in STAND_INS.items()})
TYPED = re.compile(r'# (TYPE|HELP) (\S+)(?: (.*))?')
NAME = re.compile(r'[^\s{]+')
VALUE = re.compile(r'[^\s{]+\s*(?:\{[^{}]*\})?\s+(\S*\d\S*)')
QUOTED = re.compile(r'\{"((?:[^"\\]|\\.)*)",?(.*)')
SUFFIXES = '_total|_created|_g?count|_g?sum|_bucket|_info'
INSIDE_QUOTES = re.compile(r'"(?:[^"\\]|\\.)*"')


class Rewriting:
    """Rewrites the lines of one body for the original, as they come."""

    def __init__(self, instance, lines, counts):
        self.instance = instance
        self.body = lines
        self.counts = counts
        # 5: counters that are announced as `x` and exposed as `x_total`.
        self.renamed = set()
        # Lines that Retriever has to report as malformed.
        self.malformed = 0
        self.family = self.kind = None

    def count(self, number):
        self.counts[number] += 1

    def lines(self, lines, openmetrics):
        """The lines for a parser of either format."""
        stems = misnamed(passed(self.instance, self.body))
        self.renamed = {stem for stem in stems if not is_apart(self.instance, f'{stem}_total')}
        cut_off = {line for line, following in pairwise(self.body) if following.startswith('stray_')}
        for line in lines:
            if line in MALFORMED:
                self.malformed += 1
                self.count(1)
            elif openmetrics and is_comment(line):
                self.count(1)
            elif typed := TYPED.fullmatch(line):
                # A help text that a sample cuts off from its type is a family of its own, without a type.
                yield self.metadata(line, typed, openmetrics or (typed[1] == 'HELP' and line in cut_off))
            elif line.startswith('#'):
                yield line
            else:
                yield from self.sample(line, openmetrics)

    def metadata(self, line, typed, keeps_name):
        name = typed[2].strip('"')
        if name != self.family:
            self.family, self.kind = name, None
        if typed[1] == 'TYPE':
            self.kind = typed[3]
        if keeps_name or name not in self.renamed:
            return line
        self.count(5)
        return line.replace(name, f'{name}_total', 1)

    def sample(self, line, openmetrics):
        if quoted := QUOTED.fullmatch(line):
            self.count(3)
            line = f'{quoted[1]}{{{quoted[2]}'
            if openmetrics and not self.owns(quoted[1]):
                self.family, self.kind = quoted[1], 'unknown'
                yield f'# TYPE "{self.family}" unknown'
        cut = INSIDE_QUOTES.sub(lambda inside: '.' * len(inside[0]), line).find(' # ')
        if cut >= 0 and (not openmetrics or '\\"' in line[cut:]):
            self.count(3)
            line = line[:cut]
        if is_beyond(line):
            self.count(10)
            self.malformed += 1
        else:
            yield line

    def owns(self, name):
        return self.family is not None and re.fullmatch(rf'{re.escape(self.family)}({SUFFIXES})?', name)


def passed(instance, lines):
    """The lines that `raw_line_filters` let pass."""
    filters = instance.get('raw_line_filters')
    try:
        found = re.compile('|'.join(filters)).search if filters else lambda line: False
    except (re.error, TypeError):
        return lines
    return [line for line in lines if not found(line)]


def misnamed(lines):
    """The counters of a text body that are announced without the `_total` that their samples have."""
    family = kind = None
    found = set()
    for line in lines:
        if typed := TYPED.fullmatch(line):
            name = typed[2].strip('"')
            kind = typed[3] if typed[1] == 'TYPE' else kind if name == family else None
            family = name
        elif not line.startswith('#'):
            quoted = QUOTED.fullmatch(line)
            name = quoted[1] if quoted else name_of(line)
            if kind == 'counter' and name == f'{family}_total':
                found.add(family)
            else:
                found.discard(name)
    return found


def has_both(lines):
    """Whether a counter of a text body is exposed with `_total` and without it."""
    names = {name_of(line) for line in lines if line and not line.startswith(('#', '{'))}
    typed = (TYPED.fullmatch(line) for line in lines)
    counters = {match[2] for match in typed if match and match[1] == 'TYPE' and match[3] == 'counter'}
    return any(name in names and f'{name}_total' in names for name in counters)


def is_retyped(lines):
    """Whether a name is announced with several types, so that it is not well-formed."""
    typed = [match for match in map(TYPED.fullmatch, lines) if match and match[1] == 'TYPE']
    return len({match[2] for match in typed}) < len({(match[2], match[3]) for match in typed})


def is_apart(instance, name):
    """Whether the settings mean `x_total` of a counter `x` as a metric of its own, without a type."""
    name = without_prefix(instance, name)
    rule = Rules(instance).find(name)
    return (rule is not None and is_forced(rule)) or is_excluded(instance, name)


def is_comment(line):
    """Whether a line says nothing in OpenMetrics, which has no comments."""
    return not line.strip() or (line.startswith('#') and line.split(' ')[1:2] not in MEANT)


MEANT = (['TYPE'], ['HELP'], ['UNIT'], ['EOF'])


def name_of(line):
    found = NAME.match(line)
    return found[0] if found else None


def is_beyond(line):
    """Whether the value has digits, but lies beyond the range of a double."""
    found = VALUE.match(INSIDE_QUOTES.sub('""', line))
    try:
        return found is not None and abs(float(found[1])) == math.inf
    except ValueError:
        return False


def family_names(instance, answers):
    """The names that families of these answers may have in the settings."""
    names = []
    for line in (line for answer in answers for line in answer.lines):
        typed, quoted = TYPED.fullmatch(line), QUOTED.fullmatch(line)
        name = typed[2].strip('"') if typed else quoted[1] if quoted else name_of(line)
        if name:
            names += [name, name.removesuffix('_total')]
    return list(dict.fromkeys(without_prefix(instance, name) for name in names))
