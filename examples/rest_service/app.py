"""The application: its areas, its data, its secrets, and where it says it can be reached."""

from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute

from examples.rest_service import security
from examples.rest_service.areas import AREAS
from examples.rest_service.database import open_database


def create_app(
    server: str = "",
    *,
    database: str = ":memory:",
    slow_seconds: float = 20.0,
    secrets: security.Secrets | None = None,
) -> FastAPI:
    """The almanac, with data of its own.

    Args:
        server: base URL that the OpenAPI document names; "": none, so that whoever reads it has to know.
        database: SQLite file; seeded where it is new.
        slow_seconds: how long the slow operations take.
        secrets: what callers prove themselves by; None: out of the environment.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        app.state.database.close()

    app = FastAPI(
        title="Almanac",
        version="1.0.0",
        description="Facts, shops and offices, in one place.",
        servers=[{"url": server}] if server else None,
        lifespan=lifespan,
        generate_unique_id_function=_operation_id,
    )
    app.state.database = open_database(database)
    app.state.secrets = secrets or security.Secrets.from_environment()
    app.state.slow_seconds = slow_seconds
    app.state.passed = defaultdict(deque)  # operation: when its latest requests passed its rate limit
    app.state.counts = Counter()  # operation: its requests, where it is flaky
    app.state.tokens = {}  # OAuth2 access token: when it ends
    for tag, routers in AREAS.items():
        for router in routers:
            app.include_router(router, tags=[tag])
    app.include_router(security.router, include_in_schema=False)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
