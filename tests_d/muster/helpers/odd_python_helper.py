#!/usr/bin/env python3
"""A helper in Python that does everything that a helper should not."""
import sys
import time

import muster_helper

helper = muster_helper.Helper()
calls = 0


@helper.on
def count():
    global calls
    calls += 1
    return calls


@helper.on
def echo(value):
    return value


@helper.on
def shout():
    print("printed")
    return sys.argv[1:]


def inner(table):
    return table["missing"]


@helper.on
def fail():
    inner({})


@helper.on
def run_for_ever():
    time.sleep(3600)


helper.serve()
