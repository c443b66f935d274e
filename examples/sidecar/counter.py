# Runs beside the function: counts names, for as long as the instance lives.

import os
import socketserver

seen = {}


class Counter(socketserver.StreamRequestHandler):
    def handle(self):
        for name in self.rfile:  # who waits for us connects, and says none
            seen[name] = seen.get(name, 0) + 1
            self.wfile.write(b"%d\n" % seen[name])


path = os.environ["COUNTER_SOCKET"]
if os.path.exists(path):  # of the one before
    os.remove(path)
with socketserver.UnixStreamServer(path, Counter) as server:
    print("listening on", path, flush=True)
    server.serve_forever()
