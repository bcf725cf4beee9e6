from .fixtures import come, dial, pytest_runtest_makereport, serve, server

__all__ = ["come", "dial", "pytest_runtest_makereport", "serve", "server"]
