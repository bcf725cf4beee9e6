"""The sockets: the only home of gevent."""
