# Runs beside the function and counts names until the instance stops.

import os
import socketserver

seen = {}


class Counter(socketserver.StreamRequestHandler):
    def handle(self):
        for name in self.rfile:  # BOOTSTRAP_WAIT_FOR connects without sending a name
            seen[name] = seen.get(name, 0) + 1
            self.wfile.write(b"%d\n" % seen[name])


path = os.environ["COUNTER_SOCKET"]
if os.path.exists(path):  # left by an earlier counter
    os.remove(path)
with socketserver.UnixStreamServer(path, Counter) as server:
    print("listening on", path, flush=True)
    server.serve_forever()
