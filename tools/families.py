"""One family of a random exposition: its series, and what becomes of them until the next scrape."""

import copy
import dataclasses

# What the settings can be about: names that share beginnings, that look like parts of others, and that mean something.
NAMES = [
    'app_requests', 'app_errors', 'app_request_duration_seconds', 'app_queue_length', 'app_size_bytes', 'app_build',
    'app_state', 'app', 'go_goroutines', 'go_gc_duration_seconds', 'go_memstats_alloc_bytes', 'process_cpu_seconds',
    'process_start_time_seconds', 'target_info', 'target', 'node:load:avg5', 'node_load1', 'http_count', 'http_sum',
    'http_bucket', 'http', 'http_total', 'CamelCase', '_lead', ':colon', 'x', 'y_created', 'z_info', 'db_up',
    'db_time_ms', 'db_last_seen_timestamp_seconds', 'up',
]  # fmt: skip
QUOTED_NAMES = ['app.load', 'db.größe', 'http.request-time']
TEXT_KINDS = [
    'counter', 'counter', 'counter', 'counter_short', 'counter_apart', 'gauge', 'gauge', 'gauge', 'histogram',
    'histogram', 'histogram', 'summary', 'summary', 'untyped', 'bare', 'bare', 'helped', 'unknown', 'info', 'stateset',
    'gaugehistogram',
]  # fmt: skip
OPENMETRICS_KINDS = [
    'counter', 'counter', 'counter', 'gauge', 'gauge', 'histogram', 'histogram', 'summary', 'unknown', 'bare', 'helped',
    'info', 'stateset', 'gaugehistogram',
]  # fmt: skip
# The sample names that a type of OpenMetrics owns beside the name of the family.
SUFFIXES = {
    'counter': ['_total', '_created'],
    'summary': ['_count', '_sum', '_created'],
    'histogram': ['_count', '_sum', '_bucket', '_created'],
    'gaugehistogram': ['_gcount', '_gsum', '_bucket'],
    'info': ['_info'],
}
LABELS = {
    'method': ['GET', 'POST', 'get', ''],
    'code': ['200', '404', '500', '2xx'],
    'host': ['a', 'b.example.com', 'web-1'],
    'env': ['prod', 'dev', ''],
    'service': ['checkout', 'pay'],
    'instance': ['localhost:9100', '[::1]:80'],
    'path': [
        '/',
        '/a b',
        '/ä',
        'C:\\dir\\new',
        'x,y={z}',
        'say "hi"',
        '"',
        '\\',
        'a # {b="c"} 1',
        '#',
        'line\nfeed',
        'x\n',
    ],
    'zone': [
        'v\u000b',
        'É',
        'Kraków',
        '東京',
        '😀',
        'e\u0301',
        ' padded ',
        'tab\there',
        'nbsp\u00a0',
        'z\u2028z',
        'n\u0085n',
        'v\u000bv',
    ],
    'version': ['1.2.3', 'v2.0.0-rc.1+build.5', '10.4', 'unknown', '1.2.3\n'],
    'pod': ['p-1', 'p-2', 'p-3'],
    'cluster': ['eu', 'us'],
    'upper_bound': ['1', '4'],
    'lower_bound': ['0'],
    'quantile': ['0.50', '1'],
    'le': ['1', '+Inf', '2.5'],
    '_': ['1'],
    '__meta': ['m'],
    'B2': ['true', 'false'],
    'target_info': ['t'],
}
COMMON_LABELS = ['method', 'code', 'host', 'env', 'path', 'zone', 'pod', 'version', 'instance', 'service', 'cluster']
HELP = ['Help.', '', 'With "quotes" and \\\\ and \\n.', 'Ünïcode', '# TYPE x counter', 'an "open quote']
BOUNDS = ['0', '0.005', '0.5', '1', '1.0', '2.5', '5', '10', '100', '1e3', '1e16', '1e-7', '0.30000000000000004']
STATES = ['ready', 'busy', 'gone away']
CREATED = 1_699_990_000.5


@dataclasses.dataclass
class Series:
    labels: dict
    # Counters: the total. Gauges and states: the value, or a literal. Histograms: the counts between bounds. Summaries:
    # the values of the quantiles.
    value: object
    total: object = 0


@dataclasses.dataclass
class Family:
    name: str
    kind: str
    help: str | None
    unit: str | None
    label_names: list
    series: list
    bounds: list
    quantiles: list
    # For the text format: buckets are out of order, repeated or incomplete, counts have fractions.
    untidy: bool

    @classmethod
    def random(cls, rng, openmetrics):
        name = rng.choice(QUOTED_NAMES) if rng.random() < 0.02 else rng.choice(NAMES)
        return cls.called(rng, openmetrics, name)

    @classmethod
    def called(cls, rng, openmetrics, name):
        kinds = OPENMETRICS_KINDS if openmetrics else TEXT_KINDS
        if not name.isidentifier():
            # The name of a state set is the name of a label too.
            kinds = [kind for kind in kinds if kind != 'stateset']
        if name == 'target_info':
            kinds = ['gauge', 'gauge', 'bare', 'helped', 'unknown']
        if name.endswith('_total'):
            # Nobody can say what `# TYPE x_total counter` with `x_total_total` means.
            kinds = [kind for kind in kinds if kind != ('counter' if openmetrics else 'counter_apart')]
        kind = rng.choice(kinds)
        bounds = rng.sample(BOUNDS, rng.randint(0, 4))
        bounds = list({float(bound): bound for bound in bounds}.values())
        if rng.random() < 0.1:
            bounds = ['-1', *bounds]
        family = cls(
            name=name,
            kind=kind,
            help=rng.choice(HELP) if kind == 'helped' or rng.random() < 0.5 else None,
            unit=None,
            label_names=random_label_names(rng, kind),
            series=[],
            bounds=[*sorted(bounds, key=float), '+Inf'],
            quantiles=sorted(
                rng.sample(['0', '0.5', '0.50', '0.9', '0.99', '1', '1.0', '1e-3'], rng.randint(0, 3)), key=float
            ),
            untidy=not openmetrics and rng.random() < 0.15,
        )
        if openmetrics:
            family.quantiles = list({float(quantile): quantile for quantile in family.quantiles}.values())
        unit = name.rsplit('_', 1)[-1]
        if openmetrics and kind not in ('info', 'stateset', 'bare') and unit in ('seconds', 'bytes', 'ms'):
            family.unit = unit if rng.random() < 0.5 else None
        for _ in range(rng.choice([0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 5])):
            family.add_series(rng)
        if kind == 'bare' and not family.series:
            family.add_series(rng)
        return family

    @property
    def announced(self):
        """The name in the `TYPE` line of the text format."""
        return f'{self.name}_total' if self.kind == 'counter' else self.name

    def claims(self):
        return {self.name} | {self.name + suffix for suffix in SUFFIXES.get(self.kind, [])}

    def add_series(self, rng):
        for _ in range(3):
            labels = {name: rng.choice(LABELS[name]) for name in self.label_names if rng.random() < 0.93}
            if all(series.labels != labels for series in self.series):
                self.series.append(Series(labels, *self.first_value(rng)))
                return

    def first_value(self, rng):
        match self.kind:
            case 'histogram' | 'gaugehistogram':
                counts = [rng.choice([0, 0, 1, 2, 7]) for _ in self.bounds]
                return counts, rng.choice([0, 1.5, 12, 1e6])
            case 'summary':
                return [gauge(rng, self.kind) for _ in self.quantiles], rng.choice([0, 3, 2.5])
            case 'stateset':
                return rng.randint(0, 1), 0
            case 'info':
                return 1, 0
            case kind if kind.startswith('counter'):
                return rng.choice([0, 1, 17, 2.5, 1e9, 9007199254740993, 0.1]), 0
            case _:
                return gauge(rng, self.kind), 0

    def evolve(self, rng):
        """What it is at the next scrape."""
        family = copy.deepcopy(self)
        kept = [series for series in family.series if rng.random() < 0.92]
        family.series = kept if kept or family.kind != 'bare' else family.series
        for series in family.series:
            family.advance(rng, series)
        if rng.random() < 0.15:
            family.add_series(rng)
        if rng.random() < 0.05 and family.series:
            series = rng.choice(family.series)
            changed = {name: rng.choice(LABELS[name]) for name in series.labels}
            if all(other.labels != changed for other in family.series):
                series.labels = changed
        if rng.random() < 0.05:
            rng.shuffle(family.series)
        if rng.random() < 0.03:
            family.help = None if family.help is not None and family.kind != 'helped' else 'Another help.'
        return family

    def advance(self, rng, series):
        match self.kind:
            case 'histogram' | 'gaugehistogram' if rng.random() < 0.9:
                series.value = [count + rng.choice([0, 0, 1, 3]) for count in series.value]
                series.total += rng.choice([0, 0.25, 10])
            case 'summary':
                series.value = [gauge(rng, self.kind) for _ in self.quantiles]
                series.total += rng.choice([0, 1, 5])
            case kind if kind.startswith('counter') and rng.random() < 0.9:
                series.value += rng.choice([0, 1, 5, 0.5, 1e6])
            case _:
                series.value, series.total = self.first_value(rng)

    def change_kind(self, rng, openmetrics):
        return self.called(rng, openmetrics, self.name)


STRANGE = [
    'NaN', '+Inf', '-Inf', 'inf', 'nan', '-0', '-0.0', '+1', '1e3', '1E-3', '.5', '5.', '1e308', '5e-324', '007',
    '2.2250738585072014e-308', '9007199254740993', '18446744073709551615', '123456789012345678901234567890', '1e-400',
    '1.7976931348623157e308', '-17.25', '1700000000', '1699999990.5',
]  # fmt: skip
BEYOND = ['1' + '0' * 309, '-' + '9' * 400, '1e400']


def gauge(rng, kind):
    """A value, or the literal of one."""
    if kind == 'summary':
        return rng.choice([0, 0.25, 3, 'NaN', '1e3', 17.5])
    if rng.random() < 0.01:
        return rng.choice(BEYOND)
    return rng.choice(STRANGE) if rng.random() < 0.3 else rng.choice([0, 1, 2, 3, 0.5, 42, 100.25, -1])


def random_label_names(rng, kind):
    names = rng.sample(COMMON_LABELS, rng.choice([0, 1, 1, 2, 2, 3]))
    if rng.random() < 0.12:
        reserved = {'histogram': 'le', 'gaugehistogram': 'le', 'summary': 'quantile'}.get(kind)
        names.append(rng.choice([name for name in LABELS if name not in COMMON_LABELS and name != reserved]))
    return names
