# Python 2.7. Starts the suite as it is, from the folder `site` given first, with two differences made from outside:
# servers listen on loopback only, and a fuzzing server takes a Host header that names another port than its own,
# since a gateway passes the client's on.
import site
import sys

site.addsitedir(sys.argv.pop(1))

from autobahntestsuite import echo, fuzzing, testee, wstest  # noqa: E402
from autobahn.twisted import websocket  # noqa: E402

listen_everywhere = websocket.listenWS


def listen(factory, contextFactory=None, backlog=50, interface=""):
    factory.externalPort = None
    return listen_everywhere(factory, contextFactory, backlog, interface or "127.0.0.1")


for module in (echo, fuzzing, testee):
    if hasattr(module, "listenWS"):
        module.listenWS = listen

wstest.run()
