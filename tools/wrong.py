"""Settings that the original refuses."""

import copy

BY_FORM = {
    'text': [5, ['a'], {'a': 'b'}, True, None],
    'list': ['a', 5, {'a': 'b'}, True, None, [5], ['a', 5], [None], [['a']]],
    'mapping': ['a', 5, ['a'], True, None],
}
FORMS = {
    'namespace': 'text',
    'raw_metric_prefix': 'text',
    'hostname_label': 'text',
    'hostname_format': 'text',
    'exclude_metrics': 'list',
    'exclude_labels': 'list',
    'include_labels': 'list',
    'tags': 'list',
    'raw_line_filters': 'list',
    'metrics': 'list',
    'extra_metrics': 'list',
    'rename_labels': 'mapping',
    'exclude_metrics_by_labels': 'mapping',
    'metric_patterns': 'mapping',
    'share_labels': 'mapping',
}
ENTRIES = [
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


def spoil(rng, instance):
    """Makes one option wrong, most likely."""
    if rng.random() < 0.5:
        option = rng.choice(list(FORMS))
        instance[option] = copy.deepcopy(rng.choice(BY_FORM[FORMS[option]]))
    else:
        instance.update(copy.deepcopy(rng.choice(ENTRIES)))
