"""Random expositions: the answers of one target over a few scrapes, well-formed but as odd as the formats allow.

Families and series live on from one scrape to the next: counters grow and are reset, series and families come and go,
types and labels change, a scrape fails between others. All randomness comes from the generator that is passed in.
"""

import dataclasses
import gzip

from families import Family
from lines import render

TEXT = 'text/plain; version=0.0.4; charset=utf-8'
OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8'
# Lines without a meaning in either format; whoever reads on behind them must have skipped just them.
MALFORMED = ['}{', 'app_broken{', 'app_broken{a="1"} x', 'app_broken nothing', 'app_broken{a="1"}']
FAILURES = [(500, 'Internal Server Error'), (503, 'Service Unavailable'), (404, 'Not Found'), (403, 'Forbidden')]


def spoil(rng, lines):
    """Puts a malformed line into a body; one of nothing else would be no exposition at all."""
    if not lines:
        lines.append('# TYPE app_fine gauge')
    lines.insert(rng.randint(0, len(lines)), rng.choice(MALFORMED))


@dataclasses.dataclass
class Answer:
    """One HTTP response; `lines` is the body, decoded and without line ends."""

    status: int
    reason: str
    fields: dict
    lines: list
    zipped: bool = False
    # Whether the last line has its end.
    ended: bool = True
    # What `Content-Length` says in place of the truth.
    length: int | None = None

    def body(self):
        body = ''.join(f'{line}\n' for line in self.lines).encode()
        return body if self.ended or self.is_cut() else body[:-1]

    def is_cut(self):
        """Whether it is OpenMetrics without its end, of which a last line without its own end would be half a line."""
        return 'openmetrics' in self.fields.get('Content-Type', '') and self.lines[-1:] != ['# EOF']

    def size(self):
        """What telemetry says of the size: the length that the answer tells, or else that of the body."""
        body = self.body()
        return len(zipped(body) if self.zipped and 'Content-Length' in self.fields else body)

    def raw(self):
        """The bytes as `curl -i` saves them."""
        body = self.body()
        fields = dict(self.fields)
        if self.zipped:
            body = zipped(body)
            fields['Content-Encoding'] = 'gzip'
        if 'Content-Length' in fields:
            fields['Content-Length'] = str(len(body))
        if self.length is not None:
            fields['Content-Length'] = str(self.length)
        head = ''.join(f'{name}: {value}\r\n' for name, value in fields.items())
        return f'HTTP/1.1 {self.status} {self.reason}\r\n{head}\r\n'.encode() + body


def zipped(body):
    return gzip.compress(body, mtime=0)


@dataclasses.dataclass
class Target:
    """What one target answers, scrape by scrape, and what settings can be about."""

    # Written in OpenMetrics, whatever the content type says.
    openmetrics: bool
    answers: list
    # Names of families as settings may write them, label names, and some of the values of each label.
    names: list
    labels: dict


def make_target(rng):
    """One target over one to four scrapes."""
    openmetrics = rng.random() < 0.45
    declared = OPENMETRICS if openmetrics and rng.random() < 0.85 else TEXT
    families = new_families(rng, openmetrics, rng.choice([1, 2, 3, 4, 4, 6, 6, 8, 10]), [])
    seen = {}
    answers = []
    for turn in range(rng.choice([1, 2, 2, 3, 3, 4])):
        if turn:
            families = evolve(rng, openmetrics, families)
        for family in families:
            seen.setdefault((family.name, family.kind), family)
        answers.append(make_answer(rng, openmetrics, declared, families))
    return Target(openmetrics, answers, vocabulary(seen), label_values(seen))


def new_families(rng, openmetrics, number, present):
    families = []
    for _ in range(number):
        family = Family.random(rng, openmetrics)
        if fits(openmetrics, family, present + families):
            families.append(family)
    return families


def fits(openmetrics, family, others):
    """OpenMetrics allows no two families that own a name both; the text format has each family once."""
    if not openmetrics:
        return all(family.name != other.name for other in others)
    return not any(family.claims() & other.claims() for other in others)


def evolve(rng, openmetrics, families):
    """The families of the next scrape."""
    evolved = []
    for family in families:
        if rng.random() < 0.06:
            continue
        family = family.evolve(rng)
        if rng.random() < 0.05:
            changed = family.change_kind(rng, openmetrics)
            others = [other for other in families if other.name != family.name] + evolved
            family = changed if fits(openmetrics, changed, others) else family
        evolved.append(family)
    if rng.random() < 0.25:
        evolved += new_families(rng, openmetrics, 1, families + evolved)
    if rng.random() < 0.1:
        rng.shuffle(evolved)
    return evolved


def make_answer(rng, openmetrics, declared, families):
    dice = rng.random()
    fields = {'Content-Type': declared}
    if rng.random() < 0.3:
        fields['Content-Length'] = ''
    if dice < 0.04:
        status, reason = rng.choice(FAILURES)
        return Answer(status, reason, {'Content-Type': 'text/plain; charset=utf-8'}, ['it does not work'])
    if dice < 0.05:
        return Answer(204, 'No Content', fields, [])
    if dice < 0.06:
        return Answer(200, 'OK', fields, [])
    if rng.random() < 0.02:
        fields['Content-Type'] = fields['Content-Type'].removesuffix('; charset=utf-8')
    lines = text_lines(rng, families) if not openmetrics else openmetrics_lines(rng, families, declared == OPENMETRICS)
    return Answer(200, 'OK', fields, lines, zipped=rng.random() < 0.05, ended=rng.random() < 0.95)


def text_lines(rng, families):
    timestamp = rng.choice(['1700000000000', '-5', '0']) if rng.random() < 0.1 else None
    lines = []
    for number, family in enumerate(families):
        block = render(rng, family, openmetrics=False, timestamp=timestamp)
        if len(block) > 2 and rng.random() < 0.03:
            block.insert(rng.randrange(1, len(block)), f'stray_{number} {number}')
        if rng.random() < 0.04 and not block[-1].startswith('#'):
            block.append(rng.choice([line for line in block if not line.startswith('#')]))
        lines += block
        if rng.random() < 0.05:
            lines.append(rng.choice(['', '# a comment', '#', '# EOF', '   ', '#comment', '# UNIT a seconds']))
    if families and rng.random() < 0.04:
        lines += render(rng, rng.choice(families), openmetrics=False, timestamp=timestamp)
    if rng.random() < 0.03:
        spoil(rng, lines)
    return lines


def openmetrics_lines(rng, families, declared):
    """`declared` says whether the answer is said to be OpenMetrics; else it may be read as text too."""
    timestamp = (
        rng.choice(['1700000000.5', '1.7e9', '-1'] if declared else ['1700000000']) if rng.random() < 0.1 else None
    )
    lines = []
    for family in families:
        created = declared and rng.random() < 0.3
        block = render(rng, family, openmetrics=True, timestamp=timestamp, created=created)
        if rng.random() < 0.05 and not block[-1].startswith('#'):
            place = rng.choice([place for place, line in enumerate(block) if not line.startswith('#')])
            block.insert(place, block[place])
        lines += block
    if declared and rng.random() < 0.03:
        spoil(rng, lines)
    if rng.random() < 0.98 or not lines:
        lines.append('# EOF')
    return lines


def vocabulary(seen):
    """Family names as settings write them, and as people write them by mistake."""
    names = []
    for name, kind in seen:
        names += [name, name.removesuffix('_total') or name]
        if kind.startswith('counter'):
            names.append(f'{name}_total')
        if kind == 'info':
            names.append(f'{name}_info')
    return list(dict.fromkeys(names))


def label_values(seen):
    labels = {}
    for family in seen.values():
        for series in family.series:
            for label, value in series.labels.items():
                labels.setdefault(label, []).append(value)
    return {label: list(dict.fromkeys(values)) for label, values in labels.items()}
