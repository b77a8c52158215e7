#!/usr/bin/env python3
"""A helper of sample 12: counts words on a node."""
import collections

import muster_helper

helper = muster_helper.Helper()
words = collections.Counter()


@helper.on
def read(text):
    words.update(text.split())
    return sum(words.values())


@helper.on
def most_common():
    return words.most_common(1)[0][0]


helper.serve()
