"""Regular expressions for random settings: all of them legal in Python, about the names and values that are exposed."""

import re

# `NAME` and `STEM` stand for a name, and for its beginning up to the first `_`.
OF_NAMES = [
    '.+', '.*', '^STEM', 'NAME$', '^NAME$', '^STEM_.+', 'STEM|up', '^(?!go_).*', '(?<!_seconds)$', '[a-z]+_[a-z]+',
    '_total$', r'(.)\1', r'^\w+$', r'\d', '^(?P<first>STEM)', '^[^g]', r'\b_', '(?=.*e).*s$', 'a b',
    '(app|go|http)_', r'^.{2,9}$', 'STEM-x', r'\Aapp', r's\Z', '_{1,2}[a-z]{,3}', '(?s:STEM.)', '(?i)STEM',
    r'^(STEM|go)(?!\w*_total)',
]  # fmt: skip
# Those that leave little over.
BROAD = ['.+', '.*', r'^\w+$', '^(?!go_).*', '^[^g]']
OF_VALUES = [
    '^$', '.', r'^\d+$', r'\s', '^(?!G)', 'x$', r'\W', '[A-Z]', r'\n', '^a|b$', '(?s)e.', r'\w$', '0{2}', r'^.$',
    r'\D$', r'^\w+\Z', r'[\s\S]$', '(?m)^f', r'[^\W\d]', r'\S\s', r'(?a)^\w+$', '(?i)kraków', r'\/', r'\"', r'a{,2}b',
    '[]x]', '[^]x]', '(?:é|e\u0301)', r'\u00e4', r'\x22', '(?#comment)a', '{', 'x{', r'\<', '(?x) a  # no', '[[]',
    r'(?<=\.)e', '^(a)?(?(1)b|c)',
]  # fmt: skip
OF_FULL_NAMES = [r'\.count$', r'^demo\.', 'bucket', '', 'sum|quantile', 'telemetry']
OF_TAGS = ['env:', '^team', 'x$', 'bare', ':', '', 'a.b']
OF_LINES = ['^NAME', 'NAME[{ ]', 'GET', '^# HELP', '"} ', '=".*"', ' 0$', 'go_', '[Nn]a[Nn]$', 'prod', '_created']
# Flags for the whole expression, and a group that has a name.
ONCE = re.compile(r'\(\?[aimsux]+\)|\(\?P<')


def about(rng, patterns, name):
    """One of the patterns, made about a name."""
    return rng.choice(patterns).replace('NAME', name).replace('STEM', name.split('_')[0] or name)


def literally(value):
    """A pattern for this very value."""
    return ''.join(c if c.isalnum() or ord(c) >= 128 else f'\\{c}' for c in value)


def joinable(patterns):
    """Of patterns that the original joins to one: flags may stand at its beginning only, names of groups there once."""
    return [pattern for place, pattern in enumerate(patterns) if place == 0 or not ONCE.search(pattern)]
