from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from client import WAYS, Connection, Tasks, Threads
from server import Server


@pytest.fixture(scope="module")
def server():
    server = Server("fixture")
    server.start()
    yield server
    server.stop()
    assert "panicked at" not in server.complaints()


@pytest.fixture(scope="session", params=[Threads, Tasks], ids=["threads", "asyncio"])
def runtime(request):
    return request.param()


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


@pytest.fixture(scope="session")
def closing():
    """Closes connections while the next stories run: a client first waits for its parked poll."""
    with ThreadPoolExecutor() as executor:
        yield executor


@pytest.fixture
def connection(runtime, closing):
    """Makes connections that are closed after the story."""
    made = []

    def make(*namespaces, **options):
        made.append(Connection(runtime, *namespaces, **options))
        return made[-1]

    yield make
    for one in made:
        closing.submit(one.close)


@pytest.fixture
def connect(connection, server, way):
    """Connects to some namespaces, or to `/`: gives the socket, or a list of them."""

    def connect(*namespaces, auth=None):
        made = connection(*namespaces)
        made.open(server, way, auth)
        return made.sockets if namespaces[1:] else made.sockets[0]

    return connect


NUMBERS = count()


@pytest.fixture
def namespace():
    """A namespace that no other story uses."""
    return f"/dyn-{next(NUMBERS)}"
