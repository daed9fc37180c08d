"""The settings of one instance as the original reads them: which entry is about a metric, and what it asks for."""

import re

STATUSES = ('OK', 'WARNING', 'CRITICAL', 'UNKNOWN')


class Rules:
    """`metrics` and `extra_metrics` as the original looks names up in them."""

    def __init__(self, instance):
        self.exact, self.patterns = {}, {}
        for entry in instance.get('metrics', []) + instance.get('extra_metrics', []):
            for key, value in entry.items() if isinstance(entry, dict) else [(entry, {})]:
                rules = self.exact if is_literal(key) else self.patterns
                rules[key] = value if isinstance(value, dict) else {}

    def find(self, name):
        """The parameters of the entry for a family, or `None`."""
        if name in self.exact:
            return self.exact[name]
        return next((rule for pattern, rule in self.patterns.items() if re.search(pattern, name)), None)


def is_literal(text):
    """Whether an entry is the name of a metric, and no pattern."""
    return text == re.escape(text)


def is_excluded(instance, name):
    entries = instance.get('exclude_metrics', [])
    return any(name == entry if is_literal(entry) else re.search(entry, name) for entry in entries)


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


def is_status_map(statuses):
    try:
        return (
            bool(statuses)
            and all(int(key) in range(-99, 99) for key in statuses)
            and all(status.upper() in STATUSES for status in statuses.values())
        )
    except (ValueError, TypeError, AttributeError):
        return False


def without_prefix(instance, name):
    return name.removeprefix(instance.get('raw_metric_prefix') or '')


def limit(instance):
    """`max_returned_metrics`, or `None` where there is no limit."""
    try:
        number = int(float(instance['max_returned_metrics']))
    except (KeyError, TypeError, ValueError):
        return None
    return number if number > 0 else None
