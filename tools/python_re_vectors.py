#!/usr/bin/env python3
"""What Python's `re` makes of expressions and texts; run by hand, needed neither to build nor to test.

    python3.13 tools/python_re_vectors.py > fixtures/vectors/python_re.json
    python3.13 tools/python_re_vectors.py --seed 7 --random 20000 --only-random > /tmp/more.json
    RETRIEVER_PATTERN_VECTORS=/tmp/more.json cargo test --test patterns

The output is a list of cases, one a line: the expression (or the entries of a list, which are joined with `|`), and
null where Python refuses it, or else a mapping from texts to verdicts: 0 for not found, 1 for found, and the named
groups that took part in the match if the expression has any. The cases that are picked by hand name the rule they are
for; the others are drawn from a grammar, and from loose tokens, most of which make no expression.

The random ones leave out most of what `docs/compatibility.md` lists as different; a few cases of that are picked by hand,
and `tests/patterns.rs` knows them. It is made by Python 3.13, which the Agent has; 3.12 differs in `(?t)`, and 3.11 in
`(?(+1)...)` and `(?( 1)...)` too, all of which 3.13 refuses.
"""

import argparse
import json
import random
import re
import signal
import sys
import warnings

TEXTS = ['', 'a', 'b', 'ab', 'ba', 'aa', 'aab', 'abc', 'a b', 'a_1', 'A', 'AB', '\n', 'a\n', 'a\nb', 'a\n\n', '1', '_']

# Expressions, by the rule they are for, with texts of their own beside `TEXTS`.
PICKED = {
    'anchors': (
        [r'^a', r'a$', r'$', r'^$', r'a\Z', r'\Aa', r'\Z', r'a$\n', r'(?m)^b', r'(?m)a$', r'(?m)^$', r'$^', r'\n$', r'\n\Z', r'a$b',
         r'(?P<x>a$)', r'(?P<x>.*)$', r'(?s)(?P<x>.*)$', r'(?s)(?P<x>.*?)$', r'(?m)(?P<x>.*?)$', r'a(?:$|b)', r'(?:$)*a', r'(?m)$\n^', r'[$^]', r'(?m)\Ab', r'\Aa\Z',
         r'^(?!go_).*$', r'a\n?$', r'(?:^|_)a', r'a(?:_|$)', r'(?!$)', r'(?=$)', r'(?<!^)$', r'$.', r'(?s)$.', r'(?s:.$)'],
        ['go_info', 'node_load', 'b\na', '$', '^', 'a\n\nb', '\na', '\n\n', 'a_', 'xa', 'x_a']),
    'words': (
        [r'\ba', r'a\b', r'\b', r'\B', r'a\B', r'\Ba', r'(?a)\b', r'(?a)\B', r'(?a)a\b', r'(?a)\Ba', r'^\B', r'\B$', r'\w', r'\W', r'\d', r'\D', r'\s', r'\S', r'^\w+$', r'^\W+$',
         r'^\s+$', r'^\S+$', r'^\d+$', r'(?a)^\w+$', r'(?a)^\d+$', r'(?a)^\s+$', r'(?a)\S', r'[\w]', r'[^\w]', r'[^\W]', r'[\W\d]', r'[\s\S]', r'[^\s\S]', r'[\d\D]',
         r'(?a:\w)\W', r'(?a:^\w)', r'(?a)(?u:^\w+$)', r'[\w-]+', r'[\d-a]+', r'(?i)[\W]', r'(?i)\w', r'\b.\b', r'\B.\B', r'\b\B', r'(?:\b|1)a', r'(?P<w>\w+)\b', r'(?P<w>\w+?)\b', r'[\w ]', r'[^\d\s]', r'[^\D1]'],
        ['é', 'aé', 'éa', 'é', 'á', 'ǅ', '²', 'a²', '½', 'Ⅷ', 'Ⓐ', 'a‿b', 'ª', '٣', '１', '\u200c', 'a\u200db', '一', '\x1c', '\x1f', '\x85', '\xa0', '\u2003', '\u2028', '\u200b', '\u3000',
         '\u180e', '\ufeff', 'a-b', '🦀', 'ः', 'कि', '\x0b', '\x00', '̈', 'ä̈', '€', 'ﬁ', '𝟘', '㊀', '֊']),
    'case': (
        [r'(?i)a', r'(?i)A', r'(?i)s', r'(?i)S', r'(?i)ſ', r'(?i)k', r'(?i)K', r'(?i)K', r'(?i)i', r'(?i)I', r'(?i)İ', r'(?i)ı', r'(?i)ß', r'(?i)ẞ', r'(?i)ss', r'(?i)å', r'(?i)Å', r'(?i)µ', r'(?i)μ', r'(?i)σ', r'(?i)ς', r'(?i)Σ',
         r'(?i)ǆ', r'(?i)ǅ', r'(?i)Ǆ', r'(?i)ﬅ', r'(?i)ﬆ', r'(?i)ΐ', r'(?i)ΐ', r'(?i)ᾳ', r'(?i)ᾼ', r'(?i)θ', r'(?i)ϴ', r'(?i)ω', r'(?i)Ω', r'(?i)в', r'(?i)ᲀ', r'(?i)ꙋ', r'(?i)ͅ', r'(?i)ι', r'(?i)𐐀', r'(?i)Ꭰ', r'(?i)ꭰ', r'(?i)é', r'(?i)[a-z]', r'(?i)[A-Z]', r'(?i)[^a-z]',
         r'(?i)[^s]', r'(?i)[k-s]', r'(?i)[^k]', r'(?i)[İ]', r'(?i)[^i]', r'(?i)[à-ÿ]', r'(?i)[ß-ẞ]', r'(?i)[\x00-\uffff]', r'(?i)[^\x00-\uffff]', r'(?i)[𐐀-𐐧]', r'(?i)[Z-a]', r'(?i)[^Z-a]', r'(?i)(?a)s', r'(?ia)k', r'(?ia)[a-z]', r'(?ia)é', r'(?ia)[^k]',
         r'(?i:a)b', r'a(?i:b)', r'(?i)a(?-i:b)', r'(?i:(?-i:a)b)', r'(?i)(a)\1', r'(?i)(ab)\1', r'(a)(?i:\1)', r'(?i:(a))\1', r'(?ai:[s])', r'(?u:(?i:s))', r'(?a)(?u:(?i:s))', r'(?i)\x41', r'(?i)\101', r'(?i)[\x41]', r'(?i)(?P<n>go)_(?P=n)', r'(?i)ﬀ', r'(?i)ŉ', r'(?i)ǰ', r'(?i)é',
         r'(?i)(?:ß|a)', r'(?i)(?:ẞ|a)', r'(?i)[ßa]', r'(?i)1', r'(?i)_', r'(?i)[_-a]', r'(?i)[^_]', r'(?i)\d'],
        ['s', 'S', 'ſ', 'k', 'K', 'K', 'i', 'I', 'İ', 'ı', 'ß', 'ẞ', 'SS', 'ss', 'å', 'Å', 'Å', 'µ', 'μ', 'Μ', 'σ', 'ς', 'Σ', 'ǆ', 'ǅ', 'Ǆ', 'ﬅ', 'ﬆ', 'ΐ', 'ΐ', 'ᾳ', 'ᾼ', 'θ', 'ϑ', 'Θ', 'ϴ', 'ω', 'Ω', 'Ω', 'в', 'В', 'ᲀ', 'ꙋ', 'ᲈ', 'Ꙋ', 'ͅ', 'ι', 'Ι', 'ι',
         '𐐀', '𐐨', 'Ꭰ', 'ꭰ', 'é', 'É', 'aA', 'abAB', 'aB', 'Ab', 'z', 'Z', '[', 'ŉ', 'ǰ', 'ﬀ', 'go_GO', 'É', '^']),
    'sets': (
        [r'[]a]', r'[^]a]', r'[]', r'[^]', r'[]]', r'[^]]', r'[[]', r'[[a]', r'[a&&b]', r'[a||b]', r'[a--b]', r'[a~~b]', r'[[:alpha:]]', r'[a[b]]', r'[a-\d]', r'[\d-z]', r'[a-c-e]', r'[z-a]', r'[a-a]', r'[-a]', r'[a-]', r'[--a]', r'[+--]', r'[a\-z]', r'[a\]b]', r'[\[\]]',
         r'[\b]', r'[\a\f\n\r\t\v]', r'[\\]', r'[.]', r'[*+?]', r'[(|)]', r'[a', r'[a-', r'[a-]]', r'[^a', r'[^^]', r'[\^a]', r'[a^]', r'[ ]', r'(?x)[ a]', r'(?x)[#]', r'[\x41-\x43]', r'[\101]', r'[\1]', r'[\8]', r'[\777]', r'[\400]', r'[\377]', r'[\0]', r'[\08]', r'[\A]', r'[\Z]', r'[\B]', r'[\q]',
         r'[\_]', r'[\é]', r'[\u00e9]', r'[\U0001F980]', r'[\U00110000]', r'[\ud800]', r'[\ud800-\udfff]', r'[\ud7ff-\ue000]', r'[^\ud800]', r'[\x4]', r'[\u004]', r'[\x]', r'[\w-]', r'[\w-a]', r'[a-\w]', r'[]-a]', r'[]-]', r'[^-a]', r'[^-]', r'[&]', r'[~]', r'[a&b~c]', r'[!--]', r'[%--]', r'[\N]', r'[a\n]', r'[{}]', r'[a-z0-9_.]', '[\n]', r'[ab]c', r'[]abc]d|e'],
        [']', '[', '^', '-', '&', '|', '~', '\\', '.', '*', '(', 'c', 'z', 'C', '#', ' ', '\x08', '\x07', '\x01', '\x00', '8', '\x008', '\xff', 'é', '🦀', '\ue000', '\ud7ff', 'd', ':', 'b]', 'a]', ',', '{', 'ed', 'ad']),
    'escapes': (
        [r'\.', r'\-', r'\_', r'\é', r'\ ', r'\"', r'\/', r'\:', r'\a', r'\f', r'\n', r'\r', r'\t', r'\v', r'\0', r'\00', r'\01', r'\012', r'\0123', r'\08', r'\1', r'\8', r'\101', r'\377', r'\400', r'\777', r'\x41', r'\x4', r'\x', r'\xg1', r'\u0041', r'\u004', r'\U00000041', r'\U0000004', r'\U00110000', r'\U0010ffff', r'\ud800',
         r'\q', r'\y', r'\z', r'\G', r'\K', r'\Q', r'\R', r'\X', r'\p{L}', r'\h', r'\e', r'\c', r'\N', r'\N{', r'\E', r'\i', r'\<', r'\>', r'\@', '\\', 'a\\', r'\\', r'\\\\', '\\\n', r'\'', r'\!', r'\%', r'\&', r'\~', r'\#', r'\[', r'\]', r'\{', r'\}', r'\(', r'\)', r'(a)\1', r'(a)\01', r'(a)\11', r'(a)\111', r'(a)\1a', r'(a)\1\061', r'(a)\10', r'\18', r'\118',
         r'()()()()()()()()()(a)\10', r'()()()()()()()()()(a)\100', r'\x41{2}', r'\101*', r'\n+', r'\t\n'],
        ['.', '-', 'é', ' ', '"', '/', ':', '\x07', '\x0c', '\r', '\t', '\x0b', '\x00', '\x01', '\x003', '\n3', '\x008', '\xff', '\x41\x41', '\U0010ffff', '<', '>', '\\', '\\\\', "'", '[', '{', '(', 'a\x01', 'a\t', 'aI', 'aa1', 'aaa', 'a@', '#', '&', '~', '\t\n']),
    'repetitions': (
        [r'a*', r'a+', r'a?', r'a{2}', r'a{2,}', r'a{,2}', r'a{,}', r'a{}', r'a{', r'a{1', r'a{1,', r'a{ 1}', r'a{1 }', r'a{1, 2}', r'a{x}', r'a{-1}', r'{', r'{}', r'{1}', r'{a}', r'}', r'a}', r'a{1}{2}', r'a{2,1}', r'a{0}', r'a{0,0}', r'^a{0}$', r'^a{,1}$', r'^a{1,2}$', r'^a{2,}$', r'^a{,}$', r'{,2}', r'{,',
         r'a**', r'a*?', r'a*+', r'a+?', r'a++', r'a??', r'a?+', r'a{2}?', r'a{2}+', r'a{1,2}+a', r'a*+a', r'a++a', r'a?+a', r'a???', r'a+++', r'a*?+', r'a{2}*', r'a{2}{3}', r'a{2}??', r'*', r'+', r'?', r'*a', r'(*a)', r'(?:*)', r'a|*', r'|*', r'^*', r'$*', r'\b*', r'\A+', r'\Z?', r'\B{2}', r'(?:^)*a', r'(?:\b)*a', r'(?=a)*', r'(?=a)*b', r'(?!a)*a', r'(?<=a)+b', r'(?#c)*', r'a(?#c)*', r'^a(?#c){2}$', r'(?i)*', r'()*',
         r'(?:)*', r'(?:)*a', r'(?:a*)*b', r'(?:a*)+b', r'(?:a*)+?b', r'(?:a|b*)*c', r'(?:a?){3}b', r'(?:a?)*?b', r'(a|ab)(c|bcd)', r'(?:a|ab){2}+', r'(?:a|ab){2}', r'(?:ab|a){2}+', r'(?:a|ab)*+c', r'(?:a|ab)*c', r'(?>a*)a', r'(?>a|ab)c', r'(?>ab|a)c', r'(?>a)', r'(?>a*?)b', r'(?>)', r'(?>a)*', r'(?>a+)*+b', r'a{4294967295}', r'a{99999999999}', r'a{1,4294967295}', r'a{0,4294967295}',
         r'x*', r'(?:x*)*', r'(?:x+)+y', r'(?:(?:a{1,2}){1,2}){1,2}', r'^(?:a{2}){2}$', r'^(?:a{1,2}){2}$', r'^(a?)*$', r'(?P<x>a)*', r'(?P<x>a)+b', r'(?P<x>a|b)*', r'(?P<x>a)?(?P<y>b)?', r'(?:(?P<x>a)|(?P<y>b))*', r'(?P<x>a*)*', r'(?P<x>a*)+', r'(?P<x>a*?)b', r'(?P<x>(?:a|b)*?)b', r'(?P<x>a{2})?', r'(?P<x>[ab]{1,2}?)', r'a{1}b{1,1}', r'a{00}', r'a{01}b', r'a{002,003}', r'(?:ab){2}', r'{{', r'a{{2}', r'a{2}}'],
        ['aaa', 'aaaa', 'aaaaa', 'a{', 'a{}', 'a{1', 'a{x}', 'a{1, 2}', 'a{ 1}', 'a{-1}', '{', '}', 'a}', '{1}', '{a}', '{,2}', 'abab', 'ababc', 'abcd', 'ac', 'abb', 'aaab', 'bab', 'c', 'abbac', '{{', 'aa}', 'a{{', 'a{{{', 'abac', 'a{1,', 'a{1 }']),
    'groups': (
        [r'(a)', r'(?:a)', r'(?P<x>a)', r'(?P<x>a)(?P=x)', r'(?P<x>a)\1', r'(?P<x>a)|(?P<y>b)', r'(?P<x>a)|(?P<x>b)', r'(?P<1>a)', r'(?P<>a)', r'(?P<x', r'(?P<x>', r'(?P<x-y>a)', r'(?P<x y>a)', r'(?P<é>a)', r'(?P<_1>a)', r'(?P<²>a)', r'(?P<a²>a)', r'(?P<ａ>a)', r'(?P<x\>a)', r'(?<x>a)', r"(?'x'a)", r'(?P=x)', r'(?P=x', r'(?P=)', r'(?P<x>(?P=x))', r'(\1)', r'(a\1)', r'\1(a)', r'(a)\2', r'(?P>x)', r'(?P', r'(?P)', r'(?Px)',
         r'(?', r'(?)', r'(', r')', r'()', r'(a', r'a)', r'(a))', r'((a)', r'(?:', r'(?:a', r'(?#', r'(?#a', r'(?#a)b', r'(?#)b', r'(?#a\)b)c', r'(?#(a)b', r'(?<a)', r'(?<', r'(?=', r'(?=a', r'(?!', r'(?!)', r'(?=)', r'(?<=)', r'(?<!)', r'(?z)', r'(?@a)', r'(?1)', r'(?R)', r'(?|a)', r'(?&x)', r'(?P<x>a)(?P<y>(?P=x)b)', r'(?P<y>(?P<x>a)b)', r'(?P<b>a)(?P<a>b)', r'(a)(?:b)(c)\2', r'((a)b)\2', r'(a)|b\1', r'(?:(a)|b)*\1', r'(a)?b\1', r'(a)?\1b', r'(a*)\1', r'^(a+)\1$', r'(.)\1', r'(?P<q>.)(?P<r>.)(?P=r)(?P=q)',
         r'(a)\1{2}', r'(a)\1*b', r'(a)(?P<x>\1)', r'()\1', r'(|a)\1b', r'(a|b)\1', r'(?P<x>)', r'(?P<x>|a)', r'(?P<x>a|)', r'|', r'a|', r'|a', r'a||b', r'(|)', r'(?:|a)+b', r'a|b|ab', r'(?P<x>a|ab)(?P<y>c|bc)', r'(?P<x>a)(?#c)(?P<y>b)'],
        ['ac', 'abba', 'bb', 'aca', 'acc', 'abcc', 'aaaa', 'c', 'ca', 'bc', 'aaab', '²', 'x', 'cc']),
    'conditions': (
        [r'(a)?(?(1)b|c)', r'(?P<x>a)?(?(x)b|c)', r'(a)?(?(1)b)', r'^(a)?(?(1)b)$', r'^(a)?(?(1)|c)$', r'^(a)?(?(1)b|)$', r'(?(1)a|b)', r'(?(0)a|b)', r'(?(1)a|b|c)(x)', r'(?(1)a|b)(x)?', r'(?(x)a|b)', r'(?(', r'(?()a)', r'(?(1', r'(?(1)', r'(?(1)a', r'(?(1)a|', r'(a)(?(1))', r'(a)(?(1)|)b', r'(a)?(?(2)b|c)(d)?', r'(?(-1)a)', r'(?(1x)a)(b)', r'(?(+1)a)(b)', r'(?( 1)a)(b)', r'(a)?(?(1)(?:b|x)|(?:c|y))',
         r'(?:(a)|b)(?(1)c|d)', r'^(<)?a(?(1)>)$', r'(<)?a(?(1)>|$)', r'(?P<x>a)?(?(1)(?P<y>b)|(?P<z>c))', r'(a)?(?(1)b|c)*d', r'(a)?(?(1)b|c){2}', r'(?:(a)?(?(1)b|c))+$', r'(?(01)a|b)(c)?', r'(a)?(?=(?(1)b|c))', r'(a)?(?!(?(1)b|c))', r'(?i)(a)?(?(1)b|c)', r'(a)?(?(1)b*|c)$', r'(?(1)a)(?(1)b)(c)', r'(a)(?(1)b(?(1)c))', r'((a)|b)(?(2)c|d)', r'(?:a|(a))(?(1)b|c)', r'(?:|())(?(1)b|c)', r'(?:a|(a))\1', r'(?:a|(?P<x>a))(?(x)b|c)'],
        ['ac', 'c', 'bc', 'bd', 'ad', '<a>', '<a', 'a>', 'cd', 'abbd', 'aby', 'ax', 'abb', 'cc', 'abbc', 'abbcc', 'x', 'bx']),
    'look-around': (
        [r'a(?=b)', r'a(?!b)', r'(?<=a)b', r'(?<!a)b', r'(?<=ab|ba)a', r'(?<=a|ab)c', r'(?<=a*)b', r'(?<=a{2})b', r'(?<=a{1,2})b', r'(?<=a?)b', r'(?<=)a', r'(?<=^)a', r'(?<=^a)b', r'(?<=\ba)b', r'(?<=a$)', r'(?<=\n)b', r'(?<!^)a', r'(?<=(a))b', r'(?<=(?P<x>a))b', r'(?<=(a)\1)b', r'(a)(?<=\1)b', r'(a)b(?<=\1b)c', r'(a)(?<=(?(1)a|b))b', r'(?<=(?(1)a|bb))(c)?', r'(?<=(?=a)a)b', r'(?<=(?<=a)b)c', r'(?<!(?<!a)b)c', r'(?=(?P<x>a))a', r'(?=(?P<x>a)b)a', r'(?!(a))b',
         r'(?!(a)\1)a', r'(?=a)(?=ab)', r'(?=.*b)a', r'^(?=.*a)(?=.*b)', r'^(?!.*ab)', r'(?<=[ab])c', r'(?<=a.)c', r'(?s)(?<=a.)b', r'(?i)(?<=a)b', r'(?<=a)$', r'(?<=(?:ab))c', r'(?<=(?:a|b))c', r'(?<=(?:aa|b))c', r'(?<=a{0})b', r'(?<=(?:){2,3})a', r'(?<=\w)\b', r'(?<=é)a', r'(?<!é)a', r'(?<=a+)b', r'(?<!a*)b', r'(?<!a{2})b', r'(?<=a|b|c)d', r'(?<=|a)b', r'(?<=(?>ab))c', r'(?<=a{2}+)b', r'(?<=(?:a|bc){2})', r'(?!a)(?!b).', r'(?:(?=a)a|b)+', r'(?:(?!b).)*', r'(?P<x>(?:(?!b).)*)b', r'((?=a)|b)+', r'a(?=$)', r'a(?=\Z)', r'a(?=\n)', r'(?<=a)(?=b)', r'(?<=a)(?<=a)b', r'(?<=ab)', r'(?<!ab)$', r'(?m)(?<=^a)b', r'(?m)(?<!^)b', r'(?=(a|ab))\1c', r'(?>(?=a)a)b', r'(?<=(?#c)a)b', r'(?<=a(?i:b))c'],
        ['bab', 'aab', 'abab', 'abc', 'bc', 'ac', 'aac', 'bac', 'bbc', 'éa', 'ABc', 'aBc', 'a\nb', 'b\na', 'ad', 'cd', 'abd', 'aba', 'baa', 'abcc']),
    'flags': (
        [r'(?i)a', r'(?s)a.b', r'(?m)^b', r'(?x) a b # c', r'(?a)é', r'(?u)é', r'(?L)a', r'(?t)a', r'(?ims)A.b', r'(?i)(?s)A.b', r'(?i) (?s)A.b', r'a(?i)b', r'(?:(?i)a)', r'((?i)a)', r'a|(?i)b', r'(?i)a|B', r'(?#c)(?i)A', r'(?x) (?i) A', r' (?x)a', r'(?au)a', r'(?a)(?u)a', r'(?a)(?a)a', r'(?u)(?u)a', r'(?aa)a', r'(?i', r'(?i-', r'(?i-)', r'(?i-s', r'(?i-s)', r'(?i-s:a)', r'(?-)', r'(?-:a)', r'(?-i:a)', r'(?-i)a', r'(?-a:a)', r'(?-u:a)', r'(?i-i:a)', r'(?ii:A)', r'(?i-ss:A)', r'(?ix-s: a )', r'(?-L:a)', r'(?L:a)', r'(?au:a)', r'(?a-i:a)', r'(?i:a', r'(?iz)', r'(?iz:a)', r'(?i:)', r'(?i:A)b', r'(?s:.)', r'(?-s:.)', r'(?s)(?-s:.)b', r'(?s)a(?-s:.)b', r'(?m:^)b',
         r'(?m)(?-m:^)b', r'(?m:a$)', r'(?m-s:^b$)', r'(?x:a b)c', r'(?x)(?-x:a b)', r'(?x:(?-x: )a)', r'(?x)a #b', '(?x)a #b\nb', '(?x)a#\\\nb\nb', r'(?x)a\ b', r'(?x)a\#b', r'(?x)a [ ] b', r'(?x)a {2}', r'(?x)a{ 2}', r'(?x)a + b', r'(?x)a + ?', r'(?x)a * +', r'(?x)( ?:a)', r'(?x)(? :a)', r'(?x)(?: a | b )', r'(?x)(?P< x>a)', r'(?x) ', r'(?x)#', '(?x)(a#)\n)', r'(?x)\  ', r'(?x)(a)\1 1', r'(?x)(a)\ 1', r'(?x)\1 0', r'(?x)a(?#b c)d', '(?x)\x0ba\x0cb\rc\td', '(?x)a\xa0b', '(?x)a\x85b', r'(?i)', r'(?i)(?m)', r'(?i)|a', r'(?i)*', r'(?i)(*)', r'(?x)|(?i)a', r'(?x)a|b #c', r'(?i:a|(?-i:B))', r'(?s)\n.', r'(?m)(?s)^.*$', r'(?ax) \w', r'(?x: (?i: a ) )b', r'(?i:a)(?s:.)', r'(?)', r'(?iI)a', r'(?i,s)a', r'(?i\s)', r'(?i1)a', r'(?ié)a', r'(?i-é:a)'],
        ['a.b', 'a b', 'ab', 'A\nB', 'a\nb', 'é', 'aB', 'Ab', 'B', 'c', 'a b c', 'a#b', 'aa', 'aab', 'a ', ' a', 'abc', 'ad', 'abcd', 'a\xa0b', 'a\x85b', 'aa1', '\x08', '\nb', ' ']),
}

# Lists of expressions, joined with `|`.
LISTS = [
    ['a', 'b'], ['(?i)a', 'b'], ['a', '(?i)b'], ['(a)', r'\1'], ['(a)', r'(b)\2'], ['(b)', r'(a)\1'], ['(a', 'b)'], ['a', ''], [''], ['', ''], ['(?x)a b', 'a b'], ['(?x)a #', 'b'],
    ['(?P<x>a)', '(?P<x>b)'], ['(?P<x>a)', '(?P<y>b)'], ['^a', 'b$'], ['(?s)a.b', 'c.d'], ['[a', 'b]'], ['a(?#', ')b'], ['a\\', 'b'], ['(?:a', 'b)c'], ['(?i:a)', 'b'], ['a|b', 'c'], ['*'], ['a', '*'],
    ['(?a)\\w', '\\d'], ['(?#c)(?i)a', 'b'], ['(?!a)b', 'c'], ['(?m)^b', 'a$'], ['(?=a', 'b)'], ['(?<=a', 'bc)d'], ['(?<=a', 'b)d'],
]


# What is known to differ.
DIFFERENT = [
    ([r'\N{DIGIT ONE}', r'[\N{DIGIT ONE}]', r'a{1000000000}', r'(?!b)(?:[ab]{1000}){1000}'], ['1', 'a']),
    ([r'(?i)(k)\1', r'(?i)(σ)\1'], ['kk', 'kK', 'k\u212a', 'σσ', 'σς']),
    ([r'(?i)[\U00010400b]'], ['b', 'B', '\U00010400', '\U00010428']),
    ([r'(?P<x>|aa){,2}ab', r'(?:(?P<x>a)|(?P<y>b))*+'], ['ab', 'aab', 'aaaab']),
    ([r'\w', r'\W'], ['\U00010d50']),
]


class Timeout(Exception):
    pass


def on_alarm(*_):
    raise Timeout


def verdict(expression, text):
    found = expression.search(text)
    if not found:
        return 0
    if not expression.groupindex:
        return 1
    groups = sorted(expression.groupindex, key=expression.groupindex.get)
    return [[name, found[name]] for name in groups if found[name] is not None]


def case(source, texts):
    """One line of the output, or None if Python takes too long for it."""
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    try:
        try:
            expression = re.compile('|'.join(source) if isinstance(source, list) else source)
        except (re.error, ValueError, OverflowError):
            return [source, None]
        return [source, {text: verdict(expression, text) for text in dict.fromkeys(texts)}]
    except Timeout:
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


class Grammar:
    """Draws expressions that are mostly valid."""

    CHARACTERS = ['a', 'a', 'b', 'b', 'c', '_', '1', '-', 'A', 'B', 'é', 'ſ', 's', 'K', 'k', '²', ' ']
    SETS = ['[ab]', '[^a]', '[a-c]', '[^\\n]', '[\\w-]', '[^\\W1]', '[A-Z]', '[\\s\\d]', '[]a]', '[^]]', '[b&&a]', '[[a]', '[é-ſ]', '[\\D1]']
    ESCAPES = ['\\w', '\\W', '\\d', '\\D', '\\s', '\\S', '\\x61', '\\141', '\\n', '\\.', '\\u00e9']
    ANCHORS = ['^', '$', '\\b', '\\B', '\\A', '\\Z']
    COUNTS = ['*', '+', '?', '{2}', '{1,2}', '{,2}', '{2,}', '{0,1}', '{0}', '{1}']

    def __init__(self, draw, plain):
        self.draw = draw
        # With few characters and no flags, loops and groups meet more often than not.
        self.plain = plain
        self.groups = []
        self.names = []
        self.captures = True
        self.verbose = False

    def expression(self):
        self.groups, self.names = [], []
        # Groups and look-around in the same expression are drawn for half of them only.
        self.captures = self.draw.random() < 0.6
        flags = '' if self.plain else self.draw.choice(['', '', '(?i)', '(?s)', '(?m)', '(?a)', '(?ia)', '(?im)', '(?x)'])
        self.verbose = 'x' in flags
        return flags + self.alternation(self.draw.choice([1, 2, 2, 3, 3, 4]))

    def alternation(self, depth):
        count = self.draw.choice([1, 1, 1, 2, 2, 3])
        return '|'.join(self.sequence(depth) for _ in range(count))

    def sequence(self, depth):
        count = self.draw.choice([0, 1, 1, 2, 2, 3, 4])
        return ''.join(self.item(depth) for _ in range(count))

    def item(self, depth):
        draw = self.draw
        kind = draw.random()
        if kind < (0.03 if self.plain else 0.12):
            return draw.choice(self.ANCHORS)
        if depth > 0 and kind < 0.22:
            return self.look(depth - 1)
        if kind < 0.3 and self.groups and self.captures:
            return self.reference(depth)
        atom, captures = self.atom(depth)
        if draw.random() < 0.4:
            greed = draw.choice(['', '', '', '?', '+'])
            counts = self.COUNTS
            if captures:
                # In a bounded repetition a group can keep what it matched a round earlier than in Python, and in a
                # possessive one Python fills groups that took no part.
                counts = [count for count in counts if count not in ('{1,2}', '{,2}')]
                greed = greed.replace('+', '')
            atom += draw.choice(counts) + greed
        if self.verbose and draw.random() < 0.2:
            atom += draw.choice([' ', '\n', '#c\n', '\t'])
        return atom

    def atom(self, depth):
        draw = self.draw
        kind = draw.random()
        if self.plain and (depth == 0 or kind < 0.5):
            return draw.choice(['a', 'b', 'a', 'b', '.', '[ab]', '[^a]', 'ab']), False
        if self.plain:
            kind = 1
        if depth == 0 or kind < 0.5:
            character = draw.choice(self.CHARACTERS)
            return ('\\ ' if character == ' ' else character), False
        if kind < 0.6:
            return draw.choice(self.SETS), False
        if kind < 0.7:
            return draw.choice(self.ESCAPES), False
        if kind < 0.75:
            return '.', False
        before = len(self.groups)
        opening = draw.choice(
            ['(?:', '(?:', '(', '(?P<', '(?P<', '(?P<', '(?>'] if self.plain
            else ['(?:', '(?:', '(', '(', '(?P<', '(?P<', '(?>', '(?i:', '(?-i:', '(?s:', '(?a:', '(?m:']
        )
        if not self.captures and opening in ('(', '(?P<'):
            opening = '(?:'
        if opening in ('(', '(?P<'):
            self.groups.append(False)
            number = len(self.groups) - 1
            if opening == '(?P<':
                self.names.append(f'n{number + 1}')
                opening += f'n{number + 1}>'
            body = self.alternation(depth - 1)
            self.groups[number] = True
        else:
            body = self.alternation(depth - 1)
        return f'{opening}{body})', len(self.groups) > before

    def look(self, depth):
        draw = self.draw
        opening = draw.choice(['(?=', '(?!', '(?<=', '(?<!'])
        captures, self.captures = self.captures, False
        if opening in ('(?=', '(?!'):
            body = self.alternation(depth)
        else:
            atoms = self.CHARACTERS[:-1] + self.SETS + self.ESCAPES + ['.', '(?:a|b)', 'a{2}', '(?i:a)'] + self.ANCHORS
            width = draw.choice([1, 1, 2, 3])
            body = ''.join(draw.choice(atoms) for _ in range(width))
            if draw.random() < 0.2:
                body += '|' + ''.join(draw.choice(atoms) for _ in range(width))
        self.captures = captures
        return f'{opening}{body})'

    def reference(self, depth):
        closed = [number + 1 for number, is_closed in enumerate(self.groups) if is_closed]
        if not closed:
            return 'a'
        number = self.draw.choice(closed)
        if self.draw.random() < 0.3:
            return f'(?({number}){self.sequence(min(depth, 1))}|{self.sequence(min(depth, 1))})'
        if f'n{number}' in self.names and self.draw.random() < 0.5:
            return f'(?P=n{number})'
        return f'(?:\\{number})'


TOKENS = (
    'a b c A 1 2 0 _ - , : = ! < > # & ( ) ( ) [ ] [^ { } {2} {,2} {1,2} ? * + | ^ $ . \\d \\W \\s \\b \\Z \\1 \\2 \\0 \\x4 \\x41 \\101 \\q '
    '\\N \\u00e9 (?: (?P<x> (?P<y> (?P=x) (?i) (?s) (?x) (?a) (?i: (?-i: (?x: (?# (?= (?! (?<= (?<! (?> (?(1) (?(x) (?P (? \\\\ \\] \\- é'
).split(' ') + [' ', '\n', '\\']


def loose(draw):
    return ''.join(draw.choice(TOKENS) for _ in range(draw.choice([1, 2, 3, 4, 5, 6, 7, 8])))


def random_text(draw, characters):
    return ''.join(draw.choice(characters) for _ in range(draw.choice([0, 1, 2, 3, 4, 5, 6, 8])))


def random_cases(draw, count):
    ascii_characters = ['a', 'a', 'a', 'b', 'b', 'b', 'c', '_', '1', '-', 'A', 'B', ' ', '\n']
    all_characters = ascii_characters + ['é', 'É', 'ſ', 's', 'K', 'k', '²', '\u0301']
    for i in range(count):
        if i % 3 == 0:
            yield Grammar(draw, plain=True).expression(), [random_text(draw, 'aab') for _ in range(7)]
            continue
        source = Grammar(draw, plain=False).expression() if i % 3 == 1 else loose(draw)
        texts = [random_text(draw, ascii_characters) for _ in range(4)] + [random_text(draw, all_characters) for _ in range(3)]
        yield source, texts


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--random', type=int, default=1400, help='how many random expressions')
    parser.add_argument('--only-random', action='store_true')
    arguments = parser.parse_args()
    warnings.simplefilter('ignore')
    signal.signal(signal.SIGALRM, on_alarm)
    cases = []
    if not arguments.only_random:
        for sources, texts in PICKED.values():
            cases += [(source, TEXTS + texts) for source in sources]
        cases += [(entries, TEXTS + ['d', 'bd', 'ad', 'c', 'bb', 'bc', 'cd', 'c\nd', '[', '|', 'a|b']) for entries in LISTS]
        for sources, texts in DIFFERENT:
            cases += [(source, texts) for source in sources]
    cases += random_cases(random.Random(arguments.seed), arguments.random)
    lines = filter(None, (case(source, texts) for source, texts in cases))
    print('[' + ',\n'.join(json.dumps(line, ensure_ascii=False, separators=(',', ':')) for line in lines) + ']')


if __name__ == '__main__':
    main()
