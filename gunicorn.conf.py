"""Read by gunicorn when it starts in this folder:

    gunicorn -k geventwebsocket.gunicorn.workers.GeventWebSocketWorker wsgi:app

Only the worker class is needed for chat; the rest are good manners. Every global here is read as a setting.
"""

# A worker patches itself before it loads the app; with `preload_app` the master loads it, and must be patched here.
from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import logging  # noqa: E402
import os  # noqa: E402
from datetime import datetime, timezone  # noqa: E402

from gunicorn.glogging import Logger  # noqa: E402

WORKER = "geventwebsocket.gunicorn.workers.GeventWebSocketWorker"

host = os.environ.get("HOST", "127.0.0.1")
bind = f"{f'[{host}]' if ':' in host and host[0] != '[' else host}:{os.environ.get('PORT', '8000')}"
worker_class = WORKER

# Connections of one worker that are in a request; chat sockets are parked and do not count.
worker_connections = 1000

# gunicorn 27 would open a control socket in the home folder.
control_socket_disable = True


class Lines(logging.Formatter):
    """gunicorn's lines in the shape of the chat's own."""

    def format(self, record):
        ts = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
        line = {"ts": ts.replace("+00:00", "Z"), "level": record.levelname.lower(), "logger": record.name}
        line |= {"pid": record.process, "message": record.getMessage()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


class JSONLogger(Logger):
    def setup(self, cfg):
        super().setup(cfg)
        for handler in self.error_log.handlers + self.access_log.handlers:
            handler.setFormatter(Lines())


if os.environ.get("CHAT_LOG_FORMAT") == "json":
    logger_class = JSONLogger


def when_ready(server):
    address, worker = ", ".join(map(str, server.LISTENERS)), server.cfg.worker_class_str
    if "geventwebsocket" in worker:
        server.log.info("legacy_chat at %s, worker %s, transports: websocket, long polling, polling", address, worker)
    else:
        text = "legacy_chat at %s, worker %s, transports: polling alone, a request a second each; for sockets: -k %s"
        server.log.warning(text, address, worker, WORKER)
