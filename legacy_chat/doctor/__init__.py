"""`flask chat doctor [URL]`: the whole way from a browser to the database, and what is wrong with it.

    local      packages, settings, gunicorn.conf.py, database                 without a server
    start      the same, for a site that does not even start
    way        name, connection, TLS
    asking     the signed question, answered by `door` with `facts`           what the server says of itself
    judge      its worker, numbers, databases
    passage    what proxies made of the request                               both ends compared
    sockets    handshake, origin, first frame, heartbeat
    pages      page, scripts, polling
    examine    all of them, in order

Each check yields a `Finding`; one that does not hold names its cause and the line that mends it.
"""
