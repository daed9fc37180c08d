"""Random settings of one instance: every option that shapes submissions, mostly valid, about a given target."""

import re

FLAGS = re.compile(r'\(\?[aimsux]+\)')
NATIVE = ['native'] * 4
FORCED = ['native_dynamic', 'counter', 'gauge', 'histogram', 'summary', 'counter_gauge', 'rate', 'time_elapsed']
TRUTH = [True, True, True, 'yes', 'TRUE', 'on', 1, '1', 'y']
FALSEHOOD = [False, False, False, 'no', 'false', 'off', 0, '', None, 'nonsense']
WRONG = {
    'text': [5, ['a'], {'a': 'b'}, True, None],
    'list': ['a', 5, {'a': 'b'}, True, None, [5], ['a', 5], [None], [['a']]],
    'mapping': ['a', 5, ['a'], True, None],
}
SHAPES = {
    'namespace': 'text', 'raw_metric_prefix': 'text', 'hostname_label': 'text', 'hostname_format': 'text',
    'exclude_metrics': 'list', 'exclude_labels': 'list', 'include_labels': 'list', 'tags': 'list',
    'raw_line_filters': 'list', 'rename_labels': 'mapping', 'exclude_metrics_by_labels': 'mapping',
    'metric_patterns': 'mapping', 'share_labels': 'mapping', 'metrics': 'list', 'extra_metrics': 'list',
}  # fmt: skip
WRONG_ENTRIES = [
    {'metrics': [{'up': 5}]},
    {'metrics': [{'up': {'name': 5}}]},
    {'metrics': [{'up': {'type': 5}}]},
    {'metrics': [{'up': {'type': 'guage'}}]},
    {'metrics': [{'up': {'type': 'temporal_percent'}}]},
    {'metrics': [{'up': {'type': 'temporal_percent', 'scale': 'hour'}}]},
    {'metrics': [{'up': {'type': 'temporal_percent', 'scale': 1.5}}]},
    {'metrics': [{'up': {'type': 'service_check'}}]},
    {'metrics': [{'up': {'type': 'service_check', 'status_map': {}}}]},
    {'metrics': [{'up': {'type': 'service_check', 'status_map': {'x': 'OK'}}}]},
    {'metrics': [{'up': {'type': 'service_check', 'status_map': {'1': 'FINE'}}}]},
    {'metrics': [{'up': {'type': 'metadata'}}]},
    {'metrics': [{'up': {'type': 'metadata', 'label': ''}}]},
    {'metrics': [{'up': {'type': 'metadata', 'label': 5}}]},
    {'metrics': ['a(']},
    {'metrics': ['[z-a]']},
    {'metrics': ['\\q']},
    {'exclude_metrics': ['a(']},
    {'exclude_metrics_by_labels': {'code': False}},
    {'exclude_metrics_by_labels': {'code': ['*']}},
    {'exclude_metrics_by_labels': {'code': [5]}},
    {'ignore_tags': ['a(']},
    {'raw_line_filters': ['a(']},
    {'metric_patterns': {'include': ['a(']}},
    {'metric_patterns': {'exclude': 'a'}},
    {'metric_patterns': {'include': [5]}},
    {'hostname_label': 'host', 'hostname_format': 'without'},
    {'rename_labels': {'code': 5}},
    {'share_labels': {'up': False}},
    {'share_labels': {'up': {'values': [1.5]}}},
    {'share_labels': {'up': {'values': 1}}},
    {'share_labels': {'up': {'labels': 'x'}}},
    {'share_labels': {'up': {'match': [5]}}},
    {'target_info': 'yes'},
    {'target_info': None},
    {'openmetrics_endpoint': ''},
    {'openmetrics_endpoint': 5},
]
EXTRA_TAGS = ['team:a', 'env:prod', 'bare', 'service:', 'host:x', 'upper_bound:9', 'lower_bound:3', 'cluster', 'a:b:c', 'ü:ö', ' x', '']


class Settings:
    """Makes the settings of one instance; what they are about is taken from `target`."""

    def __init__(self, rng, target):
        self.rng = rng
        self.target = target
        self.names = target.names + ['up', 'absent', 'target_info']
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
                instance['hostname_format'] = self.rng.choice(['<HOSTNAME>', 'h-<HOSTNAME>.x', '<HOSTNAME><HOSTNAME>', ''])
        if self.often(0.03):
            self.spoil(instance)
        return instance

    def options(self):
        """Each option with its chance to be set and what makes its value."""
        rng = self.rng
        yes, no = lambda: rng.choice(TRUTH), lambda: rng.choice(FALSEHOOD)
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
            'ignore_tags': (0.15, lambda: self.some(lambda: rng.choice(['env:', '^team', 'x$', 'bare', ':', '', 'a.b']))),
            'tag_by_endpoint': (0.4, lambda: rng.choice([no, no, yes])()),
            'enable_health_service_check': (0.15, lambda: rng.choice([no, yes])()),
            'ignore_connection_errors': (0.1, yes),
            'disable_generic_tags': (0.15, yes),
            'metric_patterns': (0.1, self.metric_patterns),
            'use_latest_spec': (0.4 if self.target.openmetrics else 0.0, yes),
            'share_labels': (0.2, self.share_labels),
            'cache_shared_labels': (0.15, lambda: rng.choice([no, yes])()),
            'target_info': (0.15, lambda: rng.choice([True, True, False])),
            'raw_line_filters': (0.12, lambda: self.some(self.line_filter)),
            'telemetry': (0.12, yes),
            'use_process_start_time': (0.15, yes),
            'cache_metric_wildcards': (0.15, lambda: rng.choice([no, yes])()),
            'max_returned_metrics': (0.1, lambda: rng.choice([1, 2, 3, 5, '4', 10, 2.9, 0, -1, 'many'])),
            'min_collection_interval': (0.1, lambda: rng.choice([1, 30, 0.5])),
        }

    def some(self, make):
        return [make() for _ in range(self.rng.choice([0, 1, 1, 2, 3]))]

    def joined(self, make):
        """Patterns of which the original makes one: flags may stand at its beginning only."""
        patterns = self.some(make)
        return [pattern for place, pattern in enumerate(patterns) if place == 0 or not FLAGS.match(pattern)]

    def excluded(self):
        """A name or a pattern that leaves something over."""
        entry = self.name_or_pattern()
        return entry if entry not in ('.+', '.*', r'^\w+$', '^(?!go_).*', '^[^g]') or self.often(0.1) else self.name()

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
        name = self.name()
        stem = name.split('_')[0]
        return self.rng.choice([
            '.+', '.*', f'^{stem}', f'{name}$', f'^{name}$', f'^{stem}_.+', f'{stem}|up', '^(?!go_).*', '(?<!_seconds)$',
            '[a-z]+_[a-z]+', f'(?i){name.upper()}', '_total$', r'(.)\1', r'^\w+$', r'\d', f'^(?P<first>{stem})', f'{name[:3]}.?',
            '^[^g]', r'\b_', '(?=.*e).*s$', '(app|go|http)_', r'^.{2,9}$', f'{stem}-x', 'a b', r'\Aapp', r's\Z', '_{1,2}[a-z]{,3}',
        ])  # fmt: skip

    def name_or_pattern(self):
        return self.name() if self.often(0.5) else self.pattern()

    def value_pattern(self, label):
        """A regular expression about values of a label."""
        values = self.target.labels.get(label) or ['x']
        value = self.rng.choice(values)
        literal = ''.join(f'\\{character}' if not character.isalnum() and ord(character) < 128 else character for character in value)
        return self.rng.choice([
            literal, f'^{literal}$', value[:1] if value[:1].isalnum() else '.', '^$', '.', r'^\d+$', r'\s', '^(?!G)', 'x$', r'\W', '[A-Z]',
            r'\n', '^a|b$', '(?s)e.', r'\w$', '0{2}', r'^.$', r'^\w+\Z', r'\D$', r'[\s\S]$', '(?m)^f', r'[^\W\d]', r'\S\s', r'(?a)^\w+$',
            '(?i)kraków', r'\/', r'\"', r'a{,2}b', r'[]x]', r'[^]x]', '(?:é|e\u0301)', r'\u00e4', r'\x22', r'(?#comment)a', '{', 'x{', r'\<',
            '(?x) a  # no', '[[]', '^(a)?(?(1)b|c)', r'(?<=\.)e',
        ])  # fmt: skip

    def line_filter(self):
        name = self.name()
        return self.rng.choice([f'^{name}', f'{name}[{{ ]', 'GET', '^# HELP', '"} ', r'=".*"', ' 0$', 'go_', r'[Nn]a[Nn]$', 'prod'])

    def metrics(self):
        entries = []
        if self.often(0.7):
            entries.append(self.rng.choice(['.+', '.*', '.', {'.+': {'type': 'native'}}, {'.+': self.transformer(True)}]))
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
            settings['status_map'] = rng.choice([
                {'0': 'CRITICAL', '1': 'OK'}, {0: 'ok', 1: 'Warning', 2: 'critical', 3: 'UNKNOWN'}, {'1': 'OK', 1: 'CRITICAL'},
                {-1: 'OK', '42': 'OK', ' 3 ': 'WARNING', '+2': 'OK'},
            ])  # fmt: skip
        elif kind == 'metadata':
            settings.update(self.metadata())
        elif kind == 'native' and self.often(0.3):
            del settings['type']
        if is_pattern and self.often(0.04):
            settings = rng.choice([
                {'type': 'guage'}, {'type': 'temporal_percent'}, {'type': 'service_check', 'status_map': {}}, {'type': 'metadata'}
            ])  # fmt: skip
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
                settings['pattern'] = self.rng.choice([r'(?P<major>\d+)\.(?P<minor>\d+)', r'(?P<all>.+)', r'(\d+)', r'v(?P<major>\d)(?P<rest>x)?'])
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
        return {label: True if self.often(0.3) else self.joined(lambda label=label: self.value_pattern(label)) for label in labels}

    def metric_patterns(self):
        lists = {}
        if self.often(0.6):
            lists['include'] = self.joined(self.full_name_pattern)
        if self.often(0.6):
            lists['exclude'] = self.joined(self.full_name_pattern)
        return lists

    def full_name_pattern(self):
        return self.rng.choice([self.pattern(), r'\.count$', r'^demo\.', 'bucket', '', 'sum|quantile', 'telemetry'])

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
                options[option] = rng.choice(TRUTH if option != 'collect_histogram_buckets' or self.often(0.2) else FALSEHOOD)
        return options

    def spoil(self, instance):
        """Makes one option wrong."""
        if self.often(0.5):
            option = self.rng.choice(list(SHAPES))
            instance[option] = self.rng.choice(WRONG[SHAPES[option]])
        else:
            instance.update(self.rng.choice(WRONG_ENTRIES))
