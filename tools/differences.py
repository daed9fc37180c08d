"""The numbered differences of `docs/compatibility.md`, as changes to what the original is given or what it submitted.

Each difference is a small change, such that the original must then submit what Retriever submits. What has no number
here is not meant to differ. Those that lie in the lines of an exposition are in `rewriting.py`.
"""

import collections
import copy
import dataclasses
import re

from datadog_checks.base import OpenMetricsBaseCheckV2
from datadog_checks.base.checks.openmetrics.v2.scraper import OpenMetricsScraper
from prometheus_client.openmetrics.parser import text_fd_to_metric_families as read_openmetrics

from expositions import MALFORMED
from rewriting import HIDE, LINE_ENDS, SHOW, Rewriting, family_names, has_both, is_apart, is_retyped, misnamed
from rules import Rules, is_literal, is_status_map, limit

STARTED = ('counter', 'summary', 'histogram')
LIMITED = ('gauge', 'rate', 'count', 'monotonic_count')


@dataclasses.dataclass
class Reading:
    """What was noted while the original read one body."""

    # How many lines Retriever has to report as malformed.
    malformed: int = 0
    # Why the original's parser gave up.
    unreadable: str | None = None
    # What the sources of shared labels lend.
    lent: dict = dataclasses.field(default_factory=dict)


def avoid(instance, answers):
    """Leaves out what neither side can be told to do as the other does."""
    # 5: where a sample is a metric of its own, the family is announced without samples for the original. Telemetry, the
    # order of what waits, and what is lent by the name of either show it.
    try:
        apart = any(is_apart(instance, f'{stem}_total') for answer in answers for stem in misnamed(answer.lines))
    except (re.error, TypeError, AttributeError):
        apart = False
    if any(has_both(answer.lines) or is_retyped(answer.lines) for answer in answers):
        # No announcement makes the original read both as the counter, nor all samples as what the last one says.
        apart = True
        instance['metrics'] = []
        instance.pop('extra_metrics', None)
    if apart:
        for option in ('telemetry', 'use_process_start_time', 'share_labels', 'target_info'):
            instance.pop(option, None)
    # 5: how many families there are for the original shows in telemetry.
    if any(misnamed(answer.lines) for answer in answers):
        instance.pop('telemetry', None)
    # 6: a body that breaks off in a source is searched again.
    if any(answer.is_cut() for answer in answers):
        for option in ('share_labels', 'target_info'):
            instance.pop(option, None)
    # 1: filters that leave malformed lines only leave no exposition.
    if any(line in MALFORMED for answer in answers for line in answer.lines):
        instance.pop('raw_line_filters', None)
    # 2: a pattern that names a character that stands for a line end does not find what stands in for that.
    if any(end in str(instance.values()) or repr(end)[1:-1] in str(instance) for end in LINE_ENDS):
        instance.pop('exclude_metrics_by_labels', None)
    # 2: in OpenMetrics a last line without its end is half a line.
    if 'use_latest_spec' in instance and not all(answer.ended for answer in answers):
        instance.pop('use_latest_spec')
    # 7: a name in quotes is no exact entry, so that its service check is made again in each scrape.
    if any(line.startswith('{"') for answer in answers for line in answer.lines):
        instance.pop('cache_metric_wildcards', None)
    # 6: `target_info` that comes several times in one body is followed at different times where counters wait.
    if any(len({line for line in answer.lines if line.startswith('target_info')}) > 1 for answer in answers):
        instance.pop('use_process_start_time', None)
    # 6: the original does not know `target_info` in the form that OpenMetrics gives it.
    if any(line == '# TYPE target info' for answer in answers for line in answer.lines):
        instance.pop('target_info', None)


class Known:
    """The differences that one instance met: how often each made one."""

    def __init__(self, instance):
        self.instance = instance
        self.counts = collections.Counter()
        self.rewriting = None
        self.reading = None
        # 6: whether shared labels that are remembered differ from those of another scrape.
        self.is_unsettled = False
        # 8: how often the scrape before submitted each context, which keeps its places.
        self.placed = collections.Counter()

    def settings(self, answers):
        """The settings for the original."""
        instance = copy.deepcopy(self.instance)
        if self.has_own_limit(answers):
            instance['max_returned_metrics'] = -1
        self.spread_service_checks(instance, answers)
        return instance

    def has_own_limit(self, answers):
        """8: whether the limit is kept here, and not by the original."""
        return limit(self.instance) is None or len(answers) > 1 or 'telemetry' in self.instance

    def spread_service_checks(self, instance, answers):
        """7: the pattern of a service check becomes one entry for each metric that it is found in."""
        try:
            rules = Rules(instance)
            names = [name for name in family_names(instance, answers) if name not in rules.exact]
            found = [(name, rules.find(name)) for name in names]
        except (re.error, TypeError, AttributeError):
            return
        spread = {
            name if is_literal(name) else f'^{re.escape(name)}$': {
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

    def raw_answer(self, answer):
        """2: the answer for the original, with a charset, and with one kind of line ends."""
        self.reading = Reading()
        lines = [line.translate(HIDE) for line in answer.lines]
        self.rewriting = Rewriting(self.instance, lines, self.counts)
        fields = dict(answer.fields)
        if 'charset' not in fields.get('Content-Type', '') and answer.status == 200:
            self.counts[2] += 1
            fields['Content-Type'] += '; charset=utf-8'
        if lines != answer.lines:
            self.counts[2] += 1
            # What stands in has not the same length.
            answer = dataclasses.replace(answer, length=answer.size())
        return dataclasses.replace(answer, fields=fields, lines=lines).raw()

    def finish(self):
        """What was noted while an answer was read."""
        self.reading.malformed = self.rewriting.malformed
        return self.reading

    def see(self, readings, answers):
        """6: looks at what was lent in all scrapes that were answered."""
        lent = [reading.lent for reading, answer in zip(readings, answers, strict=False) if answer.status < 400]
        sources = set(self.instance.get('share_labels') or {}) | (
            {'target_info'} if self.instance.get('target_info') else set()
        )
        cached = self.instance.get('cache_shared_labels', True)
        complete = all(sources <= set(one) for one in lent)
        self.is_unsettled = bool(
            sources and cached and len(lent) > 1 and not (complete and lent.count(lent[0]) == len(lent))
        )

    def submissions(self, entries, answers, success):
        """What Retriever has to make of what the original submitted in one scrape."""
        # 10: what is not finite is not submitted.
        finite = [e for e in entries if e.get('value') not in ('inf', '-inf', 'nan') or e['type'] == 'metadata']
        if len(finite) < len(entries):
            self.counts[10] += 1
        if limit(self.instance) is not None and self.has_own_limit(answers):
            finite = self.limited(finite, success)
        return self.shown(finite)

    @staticmethod
    def shown(entries):
        """2: the entries with the characters that had stand-ins."""
        return [shown(entry) for entry in entries]

    def limited(self, entries, success):
        """8: those that the scrape before submitted keep their places, and new ones get what is left."""
        admitted, kept = collections.Counter(), self.placed.total()
        within = []
        for entry in entries:
            if entry['type'] not in LIMITED:
                within.append(entry)
                continue
            # 12: a tag that is there twice makes no other context.
            context = (entry['name'], *sorted(set(entry['tags'])), entry['hostname'])
            if entry['type'] == 'count' and admitted[context]:
                within.append(entry)
                continue
            if admitted[context] < self.placed[context]:
                kept -= 1
            elif admitted.total() + kept >= limit(self.instance):
                continue
            admitted[context] += 1
            within.append(entry)
        if len(within) < len(entries):
            self.counts[8] += 1
        if success:
            self.placed = admitted
        return within


def shown(entry):
    """An entry with the characters that had stand-ins."""
    fields = {key: value.translate(SHOW) if isinstance(value, str) else value for key, value in entry.items()}
    if 'tags' in fields:
        fields['tags'] = [tag.translate(SHOW) for tag in fields['tags']]
    return fields


def is_inexact(value):
    return isinstance(value, int) and int(float(value)) != value


class Scraper(OpenMetricsScraper):
    """The original's scraper with the changes in place."""

    def __init__(self, check, config):
        super().__init__(check, config)
        self.known = check.known
        self.native = {}
        self.unended = None
        self.rules = Rules(self.known.instance)
        process_target_info = self.label_aggregator.process_target_info

        def process_copy(family):
            # 6: an announcement without samples lends nothing, and fails nothing. What is lent are the labels that are
            # exposed, not what becomes of them later.
            if family.samples:
                process_target_info(copy.deepcopy(family))

        self.label_aggregator.process_target_info = process_copy

    @property
    def parse_metric_families(self):
        parse = super().parse_metric_families

        def parse_changed(lines):
            try:
                yield from parse(self.known.rewriting.lines(lines, parse is read_openmetrics))
            except ValueError as error:
                self.known.reading.unreadable = str(error)
                if 'EOF' not in str(error):
                    raise
                self.unended = error

        return parse_changed

    def yield_metrics(self, runtime_data):
        """1: an exposition without its end is submitted as far as it came, whatever waits for the end."""
        self.unended = None
        yield from super().yield_metrics(runtime_data)
        if self.unended:
            raise self.unended

    def parse_metrics(self):
        for family in super().parse_metrics():
            self.rename_quantiles(family)
            self.note_lent(family)
            yield family

    def rename_quantiles(self, family):
        """6: the prefix is removed from the names of quantiles too."""
        full = f'{self.raw_metric_prefix}{family.name}'
        bare = [sample.name == full and not full.endswith(('_sum', '_count')) for sample in family.samples]
        if self.raw_metric_prefix and any(bare):
            self.known.counts[6] += 1
            family.samples = [
                sample._replace(name=family.name) if is_bare else sample
                for sample, is_bare in zip(family.samples, bare, strict=True)
            ]

    def note_lent(self, family):
        """6: what a source lends, and has lent before, decides whether the case says the same of both."""
        source = self.known.instance.get('share_labels', {}).get(family.name)
        if family.name == 'target_info' and self.target_info:
            lent = [dict(sample.labels) for sample in family.samples]
        elif source is not None:
            lent = lent_by({} if source is True else source, family.samples)
        else:
            return
        self.known.reading.lent.setdefault(family.name, lent)

    def generate_sample_data(self, metric):
        """The samples for a transformer.

        1: one without the label that the transformer needs is left out. 4: so are start times. 10: values are doubles.
        """
        needed = self.needed(metric)
        if any(is_inexact(sample.value) for sample in metric.samples):
            self.known.counts[10] += 1
            metric.samples = [sample._replace(value=float(sample.value)) for sample in metric.samples]
        for data in super().generate_sample_data(metric):
            sample = data[0]
            if metric.type in STARTED and sample.name.endswith(f'{metric.name}_created'):
                self.known.counts[4] += 1
                continue
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
            return lambda _: rule.get('label')
        if kind == 'histogram':
            return lambda name: 'upper_bound' if name.endswith('_bucket') else None
        return lambda _: None


def lent_by(source, samples):
    """What the samples of a source of shared labels lend."""
    values = source.get('values')
    wanted = [sample for sample in samples if not values or sample.value in [int(value) for value in values]]
    return [
        [
            {label: sample.labels[label] for label in labels if label in sample.labels}
            if labels
            else sample.labels.copy()
            for labels in (source.get('match'), source.get('labels'))
        ]
        for sample in wanted
    ]


def original(known):
    """Makes the original's check from its arguments."""

    class Check(OpenMetricsBaseCheckV2):
        def create_scraper(self, config):
            return Scraper(self, self.get_config_with_defaults(config))

    Check.known = known
    return Check
