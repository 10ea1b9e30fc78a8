"""Two workers for two cores. Threads, since the plain workers close a connection after each request."""

workers = 2
worker_class = "gthread"
threads = 4
keepalive = 75
preload_app = False
