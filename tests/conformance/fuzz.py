"""Autobahn's fuzzing client against the echo endpoint: `python -m conformance.fuzz WSTEST FOLDER [CASE ...]`.

Ends with 1 if a case failed or a connection was not closed cleanly. The report stays in FOLDER/report/index.html.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from live.server import Server

CASES = ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*")
AGENT = "legacy_chat"

# What a case and its close may be called. Informational: the standard leaves the choice to us. Non-strict: bad text is
# noticed at the end of its frame, not amid it (6.4.3 and 6.4.4).
GOOD = {"OK", "INFORMATIONAL", "NON-STRICT"}


def run(wstest: str, folder: Path, cases: tuple[str, ...]) -> dict[str, dict]:
    """The report: each case by its number."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    server = Server(folder, test_echo="1").start()
    specification = folder / "fuzzingclient.json"
    specification.write_text(
        json.dumps(
            {
                "outdir": str(folder / "report"),
                "servers": [{"agent": AGENT, "url": f"ws://127.0.0.1:{server.port}/chat/test/echo"}],
                "cases": cases,
                "exclude-cases": [],
                "exclude-agent-cases": {},
            }
        )
    )
    try:
        with open(folder / "wstest.log", "wb") as log:
            command = [wstest, "--mode", "fuzzingclient", "--spec", str(specification)]
            subprocess.run(command, stdout=log, stderr=log, check=True, timeout=1800)
    finally:
        server.stop()
    assert "Traceback" not in server.log(), server.log()
    return json.loads((folder / "report" / "index.json").read_text())[AGENT]


def main(wstest: str, home: str, *cases: str) -> int:
    folder = Path(home).resolve() / "run"
    report = run(wstest, folder, cases or CASES)
    bad = {case: result for case, result in report.items() if not {result["behavior"], result["behaviorClose"]} <= GOOD}
    for case, result in bad.items():
        print(f"{case}: {result['behavior']}, close {result['behaviorClose']} ({result['remoteCloseCode']})")
    print(f"{len(report)} cases, {len(bad)} bad; the report: {folder / 'report' / 'index.html'}")
    return 1 if bad or not report else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
