"""Read by gunicorn when it starts in this folder:

    gunicorn -k geventwebsocket.gunicorn.workers.GeventWebSocketWorker wsgi:app

Only the worker class is needed for chat; the rest are good manners. Every global here is read as a setting.
"""

# A worker patches itself before it loads the app; with `preload_app` the master loads it, and must be patched here.
from gevent import monkey

monkey.patch_all()

import os  # noqa: E402

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "geventwebsocket.gunicorn.workers.GeventWebSocketWorker"

# Connections of one worker that are in a request; chat sockets are parked and do not count.
worker_connections = 1000

# gunicorn 27 would open a control socket in the home folder.
control_socket_disable = True


def when_ready(server):
    address = ", ".join(str(listener) for listener in server.LISTENERS)
    server.log.info("legacy_chat at %s, worker %s, transports: websocket", address, server.cfg.worker_class_str)
