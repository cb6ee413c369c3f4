# SPDX-License-Identifier: Apache-2.0
"""A web application as most are written: a database and a log beside the code,
a module that is compiled when it is imported, a temporary file, a home."""
import getpass
import http.server
import os
import pathlib
import sqlite3
import tempfile

here = pathlib.Path(__file__).parent
db = sqlite3.connect(here / "app.db", check_same_thread=False)
db.execute("CREATE TABLE IF NOT EXISTS visits (who TEXT)")
log = open(here / "app.log", "a")
getpass.getuser()
os.makedirs(os.path.expanduser("~/.cache/app"), exist_ok=True)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with tempfile.NamedTemporaryFile() as t:
            t.write(b"x")
        db.execute("INSERT INTO visits VALUES (?)", (self.path,))
        db.commit()
        n = db.execute("SELECT count(*) FROM visits").fetchone()[0]
        print(self.path, file=log, flush=True)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"visits {n}\n".encode())


http.server.HTTPServer(("", 80), Handler).serve_forever()
