"""The benchmark: every server does the same work on core 0 under a load from core 1.

python bench/run.py                         everything; writes docs/explanation/performance.md
python bench/run.py --quick                 a smoke of about a minute, figures mean little
python bench/run.py --only ours,floor --work a,dm
"""

import argparse
import itertools
import json
import os
import resource
import shutil
import sys

import install
import report
from servers import ROOT, all_servers, started
from works import METRICS, WARM, WORKS, ask

PORTS = range(9200, 9300)  # each start takes the next: the old one's pairs of ports rest in TIME_WAIT
QUICK_SERVERS = ("floor", "ours", "flask-socketio")
DOCUMENT = ROOT / "docs/explanation/performance.md"


def words(text):
    return [word for word in text.split(",") if word]


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few connections, short, once")
    parser.add_argument("--only", type=words, metavar="SERVERS", help=", ".join(s.name for s in all_servers()))
    parser.add_argument("--work", type=words, metavar="WORKS", help=", ".join(f"{w.name}: {w.title}" for w in WORKS))
    parser.add_argument("--repetitions", type=int, help="default 3")
    parser.add_argument("--seconds", type=float, help="of each measured step, default 3")
    parser.add_argument(
        "--write", action="store_true", help=f"write {DOCUMENT.relative_to(ROOT)} after a partial run too"
    )
    return parser.parse_args()


def chosen(names, everything, what):
    unknown = set(names or ()) - {item.name for item in everything}
    if unknown:
        sys.exit(f"unknown {what}: {', '.join(sorted(unknown))}")
    return [item for item in everything if names is None or item.name in names]


def present(server):
    """Whether the server can run here; a clear line when not."""
    if not shutil.which(server.needs):
        print(f"{server.title}: skipped, {server.needs} is not installed")
        return False
    if server.name == "ours" and not (ROOT / "wsgi.py").exists():
        print(f"{server.title}: skipped, there is no wsgi.py")
        return False
    return True


def prepare(servers):
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("two cores are needed: one for the server, one for the load")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    install.build()
    install.install_python_peers()
    if any(server.needs == "node" for server in servers):
        install.install_node_peers()


def measure(server, work, port, options):
    conns = work.quick_conns if options.quick else work.conns
    with started(server, port, conns + WARM) as running:
        return ask(running, work, conns, options.seconds)


def summary(work, answer):
    figures = (
        f"{metric.title} {metric.text(answer[metric.phase][metric.key])}"
        for metric in METRICS
        if metric.work == work.name
    )
    faults = {name: count for name, count in answer["faults"].items() if count}
    return "; ".join(figures) + (f"; FAULTS {faults}" if faults else "")


def session(servers, works, options):
    """Repetitions are the outer loop, so that what else the machine does falls on all servers alike."""
    results, ports = report.Results(), itertools.cycle(PORTS)
    for repetition, work, server in itertools.product(range(options.repetitions), works, servers):
        place = f"{repetition + 1}/{options.repetitions} {work.name} {server.name}"
        try:
            answer = measure(server, work, next(ports), options)
        except (RuntimeError, OSError) as error:
            results.fail(server.name, work.name, str(error))
            print(f"{place}: FAILED: {error}", flush=True)
            continue
        results.add(server.name, work.name, answer)
        print(f"{place}: {summary(work, answer)}", flush=True)
    return results


def save(results):
    """The raw answers, for whoever wants to look closer."""
    answers = {f"{server} {work}": answers for (server, work), answers in results.answers.items()}
    (install.BUILD / "results.json").write_text(json.dumps(answers, indent=1))


def main():
    options = parse_options()
    options.repetitions = options.repetitions or (1 if options.quick else 3)
    options.seconds = options.seconds or (0.5 if options.quick else 3)
    names = options.only or (QUICK_SERVERS if options.quick else None)
    servers = [server for server in chosen(names, all_servers(), "server") if present(server)]
    works = chosen(options.work, WORKS, "work")
    prepare(servers)
    results = session(servers, works, options)
    save(results)
    base = next((server for server in servers if server.name == "ours"), servers[0])
    method = f"{options.repetitions} interleaved repetitions, medians; steps of {options.seconds:g} s."
    text = report.whole(results, servers, base, method, with_goals=not options.quick)
    print(f"\n{text}")
    if options.write or not (options.quick or options.only or options.work):
        report.write(DOCUMENT, text)
    own_faults = any(results.faults(name, work.name) for name in ("ours", "floor") for work in works)
    return 1 if results.errors or own_faults else 0


if __name__ == "__main__":
    sys.exit(main())
