"""The lines of one family of a random exposition, in the Prometheus text format or in OpenMetrics."""

import re

from families import CREATED, STATES

CLASSIC_NAME = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*')


class Writer:
    """Writes the samples of one family; how blanks and numbers look is a matter of chance."""

    def __init__(self, rng, openmetrics, timestamp):
        self.rng = rng
        self.openmetrics = openmetrics
        self.timestamp = timestamp
        self.loose = not openmetrics and rng.random() < 0.1
        self.lines = []

    def sample(self, name, labels, value, exemplars=False):
        line = self.series(name, labels) + self.gap() + self.number(value)
        if self.timestamp:
            line += self.gap() + self.timestamp
        if exemplars and self.rng.random() < (0.15 if self.openmetrics else 0.03):
            line += self.rng.choice([' # {trace_id="abc"} 0.5', ' # {} 1', ' # {a="x}y",b="c\\"d"} 2 1700000000.25'])
        self.lines.append(line)

    def series(self, name, labels):
        parts = [f'{label}={self.blank()}"{self.escaped(value)}"' for label, value in labels.items()]
        if not CLASSIC_NAME.fullmatch(name):
            return '{' + ','.join([f'"{name}"', *parts]) + '}'
        if not parts:
            return name + ('{}' if self.rng.random() < 0.05 else '')
        block = (',' + self.blank()).join(parts)
        if self.loose and self.rng.random() < 0.3:
            block += ','
        return name + self.blank() + '{' + self.blank() + block + self.blank() + '}'

    def gap(self):
        return self.rng.choice([' ', ' ', '  ']) if self.loose else ' '

    def blank(self):
        return self.rng.choice(['', '', ' ']) if self.loose else ''

    def escaped(self, value):
        return value.replace('\\', '\\\\').replace('\n', '\\n').replace('"', '\\"')

    def number(self, value):
        if isinstance(value, str):
            return value
        if isinstance(value, int) and self.rng.random() < 0.85:
            return str(value)
        return repr(float(value))


def quoted(name):
    return name if CLASSIC_NAME.fullmatch(name) else f'"{name}"'


def render(rng, family, openmetrics, timestamp, created=False):
    """The lines of `family`; `created` adds the start times of its series."""
    writer = Writer(rng, openmetrics, timestamp)
    metadata = metadata_lines(rng, family, openmetrics)
    for series in family.series:
        write_series(writer, family, series)
        if created and openmetrics and family.kind in ('counter', 'summary', 'histogram'):
            writer.sample(f'{family.name}_created', series.labels, CREATED)
    return metadata + writer.lines


def metadata_lines(rng, family, openmetrics):
    if family.kind == 'bare':
        return []
    name = quoted(family.name if openmetrics else family.announced)
    lines = []
    if family.kind != 'helped':
        kind = 'counter' if family.kind.startswith('counter') else family.kind
        lines.append(f'# TYPE {name} {kind}')
    if family.unit:
        lines.append(f'# UNIT {name} {family.unit}')
    if family.help is not None:
        lines.insert(rng.choice([0, 0, len(lines)]), f'# HELP {name} {family.help}')
    return lines


def write_series(writer, family, series):
    name, labels = family.name, series.labels
    match family.kind:
        case 'counter' | 'counter_apart':
            writer.sample(f'{name}_total', labels, series.value, exemplars=True)
        case 'histogram' | 'gaugehistogram':
            write_histogram(writer, family, series)
        case 'summary':
            for quantile, value in zip(family.quantiles, series.value):
                writer.sample(name, {**labels, 'quantile': quantile}, value)
            writer.sample(f'{name}_sum', labels, series.total)
            writer.sample(f'{name}_count', labels, int(series.total * 2))
        case 'info':
            writer.sample(f'{name}_info', labels, series.value)
        case 'stateset':
            state = STATES[len(writer.lines) % len(STATES)]
            writer.sample(name, {**labels, name: state}, series.value)
        case _:
            writer.sample(name, labels, series.value)


def write_histogram(writer, family, series):
    count, buckets = 0, []
    for bound, grown in zip(family.bounds, series.value):
        count += grown
        buckets.append([bound, count])
    if family.untidy:
        buckets = untidy(writer.rng, buckets)
    for bound, value in buckets:
        writer.sample(f'{family.name}_bucket', {**series.labels, 'le': bound}, value, exemplars=True)
    negative = family.bounds[0].startswith('-')
    suffixes = ('_gsum', '_gcount') if family.kind == 'gaugehistogram' else ('_sum', '_count')
    if not (writer.openmetrics and negative):
        writer.sample(family.name + suffixes[0], series.labels, series.total)
        writer.sample(family.name + suffixes[1], series.labels, count)


def untidy(rng, buckets):
    """What the text format lets pass: buckets that are missing, repeated, out of order, not cumulative, not whole."""
    buckets = [bucket for bucket in buckets if rng.random() < 0.85]
    if buckets and rng.random() < 0.3:
        buckets.append([rng.choice(buckets)[0], 5])
    if rng.random() < 0.3:
        rng.shuffle(buckets)
    if buckets and rng.random() < 0.3:
        rng.choice(buckets)[1] = rng.choice([2.75, 0, -3, 1e12, 'NaN', '+Inf'])
    if buckets and rng.random() < 0.3:
        rng.choice(buckets)[0] = rng.choice([' 3 ', '1_000', 'Inf', '-Inf', '-0.0', '.25', '+1'])
    return buckets
