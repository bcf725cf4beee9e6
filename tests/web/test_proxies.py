import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import EnvironBuilder

from legacy_chat.web.proxies import behind


def site(environ, start_response):
    return []


class Wrapper:
    """A middleware of the site's own."""

    def __init__(self, app):
        self.app = app


def seen(wrapped, hops=0, **headers):
    """Whose request it is for a door that has wrapped a site."""
    found = {}
    door = behind(lambda environ, start_response: found.update(environ) or [], wrapped, hops)
    door(EnvironBuilder(path="/", headers={"Host": "inside:8000", **headers}).get_environ(), None)
    return found.get("REMOTE_ADDR"), found["wsgi.url_scheme"], found["HTTP_HOST"]


FORWARDED = {"X-Forwarded-For": "6.6.6.6, 1.2.3.4", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.example"}


def test_without_a_proxy_that_we_know_of_nothing_is_believed():
    assert seen(site, **FORWARDED) == (None, "http", "inside:8000")


def test_the_setting_says_how_many_to_believe():
    assert seen(site, 1, **FORWARDED) == ("1.2.3.4", "https", "shop.example")
    assert seen(site, 2, **FORWARDED)[0] == "6.6.6.6"


@pytest.mark.parametrize("around", [lambda app: app, Wrapper, lambda app: Wrapper(Wrapper(app))])
def test_what_the_site_told_its_own_proxy_fix_counts(around):
    fixed = around(ProxyFix(site, x_for=1, x_proto=1, x_host=1))
    assert seen(fixed, **FORWARDED) == ("1.2.3.4", "https", "shop.example")
    assert seen(around(ProxyFix(site)), **FORWARDED) == ("1.2.3.4", "https", "inside:8000")


def test_a_site_that_wraps_itself_and_one_of_several_are_no_riddle():
    loop = Wrapper(None)
    loop.app = loop
    assert seen(loop, **FORWARDED)[1] == "http"
    assert seen(DispatcherMiddleware(site, {"/other": ProxyFix(site)}), **FORWARDED)[1] == "http"


def test_a_fix_in_front_and_one_behind_are_one():
    outer = ProxyFix(behind(_echo, ProxyFix(site), 0), x_for=1)
    environ = EnvironBuilder(path="/", headers=FORWARDED).get_environ()
    assert outer(environ, None) == ["1.2.3.4"]


def _echo(environ, start_response):
    return [environ["REMOTE_ADDR"]]
