"""Values and rules: no I/O, no gevent, no Flask; the clock is an argument."""
