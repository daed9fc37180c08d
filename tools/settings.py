"""Random settings of one instance: every option that shapes submissions, mostly valid, about a given target."""

import copy

import patterns
from wrong import spoil

NATIVE = ['native'] * 4
FORCED = ['native_dynamic', 'counter', 'gauge', 'histogram', 'summary', 'counter_gauge', 'rate', 'time_elapsed']
TRUTH = [True, True, True, 'yes', 'TRUE', 'on', 1, '1', 'y']
FALSEHOOD = [False, False, False, 'no', 'false', 'off', 0, '', None, 'nonsense']
STATUS_MAPS = [
    {'0': 'CRITICAL', '1': 'OK'},
    {0: 'ok', 1: 'Warning', 2: 'critical', 3: 'UNKNOWN'},
    {'1': 'OK', 1: 'CRITICAL'},
    {-1: 'OK', '42': 'OK', ' 3 ': 'WARNING', '+2': 'OK'},
]
# What is wrong with the entry of a pattern shows when a family matches.
WRONG_WHEN_FOUND = [
    {'type': 'guage'},
    {'type': 'temporal_percent'},
    {'type': 'service_check', 'status_map': {}},
    {'type': 'metadata'},
]
EXTRA_TAGS = [
    'team:a',
    'env:prod',
    'bare',
    'service:',
    'host:x',
    'upper_bound:9',
    'lower_bound:3',
    'cluster',
    'a:b:c',
    'ü:ö',
    ' x',
    '',
]


class Settings:
    """Makes the settings of one instance; what they are about is taken from `target`."""

    def __init__(self, rng, target):
        self.rng = rng
        self.target = target
        self.names = [*target.names, 'up', 'absent', 'target_info']
        self.labels = [*target.labels, 'le', 'upper_bound', 'quantile', 'absent', 'host']

    def often(self, chance):
        return self.rng.random() < chance

    def make(self, endpoint):
        instance = {'openmetrics_endpoint': endpoint, 'metrics': self.metrics()}
        for option, (chance, value) in self.options().items():
            if self.often(chance):
                instance[option] = value()
        if self.often(0.4):
            instance.update(self.histogram_options())
        if self.often(0.3):
            instance['hostname_label'] = self.label()
            if self.often(0.5):
                instance['hostname_format'] = self.rng.choice(
                    ['<HOSTNAME>', 'h-<HOSTNAME>.x', '<HOSTNAME><HOSTNAME>', '']
                )
        if self.often(0.03):
            spoil(self.rng, instance)
        return instance

    def options(self):
        """Each option with its chance to be set and what makes its value."""
        rng = self.rng

        def yes():
            return rng.choice(TRUTH)

        def either():
            return rng.choice(TRUTH + FALSEHOOD)

        return {
            'namespace': (0.5, lambda: rng.choice(['demo', 'demo', 'a.b', 'my ns', ''])),
            'extra_metrics': (0.15, self.metrics),
            'raw_metric_prefix': (0.15, self.prefix),
            'exclude_metrics': (0.2, lambda: self.joined(self.excluded)),
            'exclude_metrics_by_labels': (0.15, self.exclude_by_labels),
            'exclude_labels': (0.2, lambda: self.some(self.label)),
            'include_labels': (0.15, lambda: self.some(self.label)),
            'rename_labels': (0.2, lambda: {self.label(): self.new_label() for _ in range(rng.randint(0, 3))}),
            'tags': (0.4, lambda: self.some(lambda: rng.choice(EXTRA_TAGS))),
            'ignore_tags': (0.15, lambda: self.some(lambda: rng.choice(patterns.OF_TAGS))),
            'tag_by_endpoint': (0.4, either),
            'enable_health_service_check': (0.15, either),
            'ignore_connection_errors': (0.1, yes),
            'disable_generic_tags': (0.15, yes),
            'metric_patterns': (0.1, self.metric_patterns),
            'use_latest_spec': (0.4 if self.target.openmetrics else 0.0, yes),
            'share_labels': (0.2, self.share_labels),
            'cache_shared_labels': (0.15, either),
            'target_info': (0.15, lambda: rng.choice([True, True, False])),
            'raw_line_filters': (0.12, lambda: self.some(lambda: patterns.about(rng, patterns.OF_LINES, self.name()))),
            'telemetry': (0.12, yes),
            'use_process_start_time': (0.15, yes),
            'cache_metric_wildcards': (0.15, either),
            'max_returned_metrics': (0.1, lambda: rng.choice([1, 2, 3, 5, '4', 10, 2.9, 0, -1, 'many'])),
            'min_collection_interval': (0.1, lambda: rng.choice([1, 30, 0.5])),
        }

    def some(self, make):
        return [make() for _ in range(self.rng.choice([0, 1, 1, 2, 3]))]

    def joined(self, make):
        """Patterns that the original joins to one."""
        return patterns.joinable(self.some(make))

    def excluded(self):
        """A name, or a pattern that leaves something over."""
        entry = self.name_or_pattern()
        return entry if entry not in patterns.BROAD or self.often(0.1) else self.name()

    def name(self):
        return self.rng.choice(self.names)

    def label(self):
        return self.rng.choice(self.labels)

    def new_label(self):
        return self.rng.choice(['renamed', 'env', 'upper_bound', 'le', 'UP', 'x.y', '', 'lower_bound', self.label()])

    def prefix(self):
        name = self.name()
        return self.rng.choice([name[: self.rng.randint(1, len(name))], name.split('_')[0] + '_', 'app_', 'go_', ''])

    def pattern(self):
        """A regular expression about names."""
        return patterns.about(self.rng, patterns.OF_NAMES, self.name())

    def name_or_pattern(self):
        return self.name() if self.often(0.5) else self.pattern()

    def value_pattern(self, label):
        """A regular expression about values of a label."""
        literal = patterns.literally(self.rng.choice(self.target.labels.get(label) or ['x']))
        return self.rng.choice([literal, f'^{literal}$', literal[:1].strip('\\') or '.', *patterns.OF_VALUES])

    def metrics(self):
        entries = []
        if self.often(0.8):
            entries.append(
                self.rng.choice(['.+', '.*', '.', {'.+': {'type': 'native'}}, {'.+': self.transformer(True)}])
            )
        entries += [self.entry() for _ in range(self.rng.choice([0, 1, 2, 3, 4]))]
        self.rng.shuffle(entries)
        return entries

    def entry(self):
        if self.often(0.35):
            return self.name_or_pattern()
        entry = {}
        for _ in range(self.rng.choice([1, 1, 1, 2, 3])):
            is_pattern = self.often(0.4)
            key = self.pattern() if is_pattern else self.name()
            entry[key] = self.rename() if self.often(0.35) else self.transformer(is_pattern)
        return entry

    def rename(self):
        return self.rng.choice(['renamed', 'a.b.c', 'version', self.name(), 'with blank', ''])

    def transformer(self, is_pattern):
        """The parameters of an entry. Wrong ones are left to `spoil`, but for those that only a match finds out."""
        rng = self.rng
        kind = rng.choice(NATIVE + FORCED + ['temporal_percent', 'service_check', 'metadata'])
        settings = {'type': kind}
        if self.often(0.3):
            settings['name'] = self.rename()
        if kind == 'temporal_percent':
            settings['scale'] = rng.choice(['second', 'Millisecond', 'microsecond', 'nanosecond', 1, 60, 1000, True])
            if self.often(0.05):
                settings['scale'] = rng.choice([0, False])
        elif kind == 'service_check':
            settings['status_map'] = dict(rng.choice(STATUS_MAPS))
        elif kind == 'metadata':
            settings.update(self.metadata())
        elif kind == 'native' and self.often(0.3):
            del settings['type']
        if is_pattern and self.often(0.04):
            settings = copy.deepcopy(rng.choice(WRONG_WHEN_FOUND))
        return settings

    def metadata(self):
        label = self.rng.choice(['version', 'version', self.label()])
        settings = {'label': label}
        if self.often(0.7):
            settings['name'] = 'version'
        match self.rng.choice(['none', 'semver', 'regex', 'parts', 'unknown']):
            case 'semver':
                settings['scheme'] = 'semver'
            case 'regex':
                settings['scheme'] = 'regex'
                settings['pattern'] = self.rng.choice(
                    [r'(?P<major>\d+)\.(?P<minor>\d+)', r'(?P<all>.+)', r'(\d+)', r'v(?P<major>\d)(?P<rest>x)?']
                )
                if self.often(0.5):
                    settings['final_scheme'] = 'custom'
            case 'parts':
                settings['scheme'] = 'parts'
                settings['part_map'] = self.rng.choice([{'major': '1', 'minor': '2'}, {'year': '2024', 'none': None}])
                if self.often(0.5):
                    settings['final_scheme'] = 'calver'
            case 'unknown':
                settings['scheme'] = 'calver'
        return settings

    def exclude_by_labels(self):
        labels = [self.label() for _ in range(self.rng.choice([1, 1, 2]))]
        return {
            label: True if self.often(0.3) else self.joined(lambda label=label: self.value_pattern(label))
            for label in labels
        }

    def metric_patterns(self):
        lists = {}
        if self.often(0.6):
            lists['include'] = self.joined(self.full_name_pattern)
        if self.often(0.6):
            lists['exclude'] = self.joined(self.full_name_pattern)
        return lists

    def full_name_pattern(self):
        return self.rng.choice([self.pattern(), *patterns.OF_FULL_NAMES])

    def share_labels(self):
        sources = {}
        for _ in range(self.rng.choice([1, 1, 2])):
            name = self.name()
            if self.often(0.3):
                sources[name] = True
                continue
            source = {}
            if self.often(0.4):
                source['values'] = self.rng.choice([[1], [0, 1], ['1'], [], [1, 2, 3, 42]])
            if self.often(0.5):
                source['match'] = self.some(self.label)
            if self.often(0.5):
                source['labels'] = self.some(self.label)
            sources[name] = source
        return sources

    def histogram_options(self):
        rng = self.rng
        options = {}
        for option, chance in [
            ('collect_histogram_buckets', 0.3),
            ('non_cumulative_histogram_buckets', 0.4),
            ('histogram_buckets_as_distributions', 0.35),
            ('collect_counters_with_distributions', 0.25),
            ('collect_histograms_as_distributions', 0.25),
        ]:
            if self.often(chance):
                options[option] = rng.choice(
                    TRUTH if option != 'collect_histogram_buckets' or self.often(0.2) else FALSEHOOD
                )
        return options
