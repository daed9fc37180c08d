"""The numbered differences of `docs/compatibility.md`, as changes to what the original is given.

Each difference is a small change to the settings, the lines or the samples that the original sees, such that it must
then submit what Retriever submits for the real ones. What has no number here is not meant to differ.
"""

import collections
import copy
import math
import re

from datadog_checks.base import OpenMetricsBaseCheckV2
from datadog_checks.base.checks.openmetrics.v2.scraper import OpenMetricsScraper
from prometheus_client.openmetrics.parser import text_fd_to_metric_families as read_openmetrics

from expositions import MALFORMED, Answer

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
INSIDE_QUOTES = re.compile(r'"(?:[^"\\]|\\.)*"')
STARTED = ('counter', 'summary', 'histogram')


class Rules:
    """`metrics` and `extra_metrics` as the original looks names up in them."""

    def __init__(self, instance):
        self.exact, self.patterns = {}, {}
        for entry in instance.get('metrics', []) + instance.get('extra_metrics', []):
            for key, value in entry.items() if isinstance(entry, dict) else [(entry, {})]:
                rules = self.exact if key == re.escape(key) else self.patterns
                rules[key] = value if isinstance(value, dict) else {}

    def find(self, name):
        """The parameters of the entry for a family, or `None`."""
        if name in self.exact:
            return self.exact[name]
        return next((rule for pattern, rule in self.patterns.items() if re.search(pattern, name)), None)


def is_excluded(instance, name):
    entries = instance.get('exclude_metrics', [])
    return any(name == entry if entry == re.escape(entry) else re.search(entry, name) for entry in entries)


class Known:
    """The differences that one instance met: how often each made one."""

    def __init__(self, instance):
        self.instance = instance
        self.counts = collections.Counter()
        # Lines of the last body that Retriever has to report as malformed, and why the original's parser gave up.
        self.malformed = 0
        self.unreadable = None

    def rules(self):
        return Rules(self.instance)

    def settings(self, answers):
        """The settings for the original."""
        instance = copy.deepcopy(self.instance)
        if 'max_returned_metrics' not in instance:
            instance['max_returned_metrics'] = -1
        self.spread_service_checks(instance, answers)
        return instance

    def spread_service_checks(self, instance, answers):
        """7: the pattern of a service check becomes one entry for each metric that it is found in."""
        try:
            rules = self.rules()
            names = [name for name in family_names(instance, answers) if name not in rules.exact]
            found = [(name, rules.find(name)) for name in names]
        except (re.error, TypeError, AttributeError):
            return
        spread = {
            name if name == re.escape(name) else f'^{re.escape(name)}$': {
                'type': 'service_check',
                'status_map': copy.deepcopy(rule.get('status_map')),
            }
            for name, rule in found
            if rule and rule.get('type') == 'service_check' and is_status_map(rule.get('status_map'))
        }
        if len(spread) > 1:
            self.counts[7] += 1
        if spread:
            instance['metrics'] = [spread, *instance.get('metrics', [])]

    def answer(self, answer):
        """The answer for the original."""
        lines = [line.translate(HIDE) for line in answer.lines]
        if lines != answer.lines:
            self.counts[2] += 1
        fields = dict(answer.fields)
        content_type = fields.get('Content-Type', '')
        if 'charset' not in content_type and answer.status == 200:
            self.counts[2] += 1
            fields['Content-Type'] = f'{content_type}; charset=utf-8'
        return Answer(answer.status, answer.reason, fields, lines, answer.last_line_end, answer.zipped)

    def submissions(self, entries):
        """11: what is not finite is not submitted."""
        finite = [
            entry
            for entry in entries
            if entry.get('value') not in ('inf', '-inf', 'nan') or entry['type'] == 'metadata'
        ]
        if len(finite) < len(entries):
            self.counts[11] += 1
        return finite

    def lines(self, lines, openmetrics):
        """The lines for the original's parser."""
        self.malformed = 0
        rules = self.rules()
        family, kind, held = None, None, []
        for line in lines:
            if line in MALFORMED or (openmetrics and is_comment(line)):
                self.counts[1] += 1
                self.malformed += line in MALFORMED
                continue
            typed = TYPED.fullmatch(line)
            if typed:
                if typed[2] != family:
                    yield from held
                    family, kind, held = typed[2], None, []
                if typed[1] == 'TYPE':
                    kind = typed[3]
                held.append(line)
                continue
            if held and line.startswith('#'):
                held.append(line)
                continue
            if not line.startswith('#'):
                was_quoted = QUOTED.fullmatch(line)
                line = self.sample(line, openmetrics, family, kind)
                if line is None:
                    continue
                if was_quoted and openmetrics and not was_quoted[1].startswith((family or '').strip('"') or '"'):
                    family, kind = f'"{was_quoted[1]}"', 'unknown'
                    yield from held
                    held = [f'# TYPE {family} unknown']
                stem = (family or '').strip('"')
                total = f'{stem}_total'
                is_total = held and not openmetrics and kind == 'counter' and name_of(line) == total
                if is_total and not self.is_apart(rules, total):
                    self.counts[5] += 1
                    held = [other.replace(stem, total, 1) for other in held]
                    family = family.replace(stem, total)
            yield from held
            held = []
            yield line
        yield from held

    def sample(self, line, openmetrics, family, kind):
        """The line of a sample, or `None` if Retriever makes nothing of it."""
        quoted = QUOTED.fullmatch(line)
        if quoted:
            self.counts[3] += 1
            line = f'{quoted[1]}{{{quoted[2]}'
        cut = INSIDE_QUOTES.sub(lambda inside: '.' * len(inside[0]), line).find(' # ')
        if cut >= 0 and (not openmetrics or '\\"' in line[cut:]):
            self.counts[3] += 1
            line = line[:cut]
        if openmetrics and kind in STARTED and name_of(line) == f'{(family or "").strip(chr(34))}_created':
            self.counts[4] += 1
            return None
        if is_beyond(line):
            self.counts[10] += 1
            self.malformed += 1
            return None
        return line

    def is_apart(self, rules, total):
        """Whether the settings mean `x_total` of a counter `x` as a metric of its own, without a type."""
        name = without_prefix(self.instance, total)
        rule = rules.find(name)
        return (rule is not None and is_forced(rule)) or is_excluded(self.instance, name)


def is_forced(rule):
    """Whether an entry makes something of a metric without a type."""
    match rule.get('type', 'native'):
        case 'native' | 'native_dynamic':
            return False
        case 'temporal_percent':
            return 'scale' in rule
        case 'service_check':
            return is_status_map(rule.get('status_map'))
        case 'metadata':
            return 'label' in rule
        case kind:
            return kind != 'guage'


def is_comment(line):
    return not line.strip() or (
        line.startswith('#') and line.split(' ')[1:2] not in (['TYPE'], ['HELP'], ['UNIT'], ['EOF'])
    )


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


def is_inexact(value):
    return isinstance(value, int) and int(float(value)) != value


def is_status_map(statuses):
    try:
        return bool(statuses) and all(
            int(key) is not None and value.upper() in ('OK', 'WARNING', 'CRITICAL', 'UNKNOWN')
            for key, value in statuses.items()
        )
    except (ValueError, TypeError, AttributeError):
        return False


def without_prefix(instance, name):
    return name.removeprefix(instance.get('raw_metric_prefix') or '')


def family_names(instance, answers):
    """The names that families of these answers may have in the settings."""
    names = []
    for line in (line for answer in answers for line in answer.lines):
        typed = TYPED.fullmatch(line)
        quoted = QUOTED.fullmatch(line)
        name = typed[2].strip('"') if typed else quoted[1] if quoted else name_of(line)
        if name:
            names += [name, name.removesuffix('_total')]
    return list(dict.fromkeys(without_prefix(instance, name) for name in names))


class Scraper(OpenMetricsScraper):
    """The original's scraper with the changes in place."""

    def __init__(self, check, config):
        super().__init__(check, config)
        self.known = check.known
        self.native = {}
        self.rules = self.known.rules()

    @property
    def parse_metric_families(self):
        parse = super().parse_metric_families

        def parse_changed(lines):
            self.known.unreadable = None
            try:
                yield from parse(self.known.lines(lines, parse is read_openmetrics))
            except ValueError as error:
                self.known.unreadable = str(error)
                raise

        return parse_changed

    def parse_metrics(self):
        """6: the prefix is removed from the names of quantiles too."""
        for family in super().parse_metrics():
            full = f'{self.raw_metric_prefix}{family.name}'
            bare = [sample.name == full and not full.endswith(('_sum', '_count')) for sample in family.samples]
            if self.raw_metric_prefix and any(bare):
                self.known.counts[6] += 1
                family.samples = [
                    sample._replace(name=family.name) if is_bare else sample
                    for sample, is_bare in zip(family.samples, bare)
                ]
            yield family

    def generate_sample_data(self, metric):
        """1: a sample without the label that its transformer needs is left out. 11: values are doubles."""
        needed = self.needed(metric)
        if any(is_inexact(sample.value) for sample in metric.samples):
            self.known.counts[11] += 1
            metric.samples = [sample._replace(value=float(sample.value)) for sample in metric.samples]
        for data in super().generate_sample_data(metric):
            sample = data[0]
            label = needed(sample.name)
            if label is not None and label not in sample.labels:
                self.known.counts[1] += 1
                continue
            yield data

    def needed(self, metric):
        """From the name of a sample to the label that it cannot do without."""
        rule = self.rules.find(metric.name) or {}
        kind = rule.get('type', 'native')
        if kind == 'native':
            kind = self.native.setdefault(metric.name, metric.type)
        elif kind == 'native_dynamic':
            kind = metric.type
        if kind == 'metadata':
            return lambda name: rule.get('label')
        if kind == 'histogram':
            is_bucket = re.compile('_bucket$').search
            return lambda name: 'upper_bound' if is_bucket(name) else None
        return lambda name: None


def original(known):
    """Makes the original's check from its arguments."""

    class Check(OpenMetricsBaseCheckV2):
        def create_scraper(self, config):
            return Scraper(self, self.get_config_with_defaults(config))

    Check.known = known
    return Check
