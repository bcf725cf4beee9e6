"""In processes of their own, since patching cannot be undone."""

import json
import subprocess
import sys

from legacy_chat.doctor import patching

EARLY = """
import json, sys, types
from gevent import monkey
monkey.patch_all()
"""
LATE = """
import json, sys, types, time, ssl
shop = types.ModuleType("shop"); shop.nap = time.sleep; sys.modules["shop"] = shop
from gevent import monkey
monkey.patch_all()
"""
TELL = """
import flask, sqlalchemy
from legacy_chat.doctor import patching
print(json.dumps([patching.is_patched(), patching.strays()]))
"""


def told(script):
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_here_nothing_is_patched():
    assert not patching.is_patched()
    assert patching.strays() == []


def test_who_comes_after_the_patch_is_no_stray():
    assert told(EARLY + TELL) == [True, []]


def test_who_took_a_blocking_part_before_is_named_with_it():
    assert told(LATE + TELL) == [True, ["shop (time.sleep)"]]
