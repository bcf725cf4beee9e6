import pytest

from legacy_chat import settings as settings_table
from legacy_chat.web import origins


def is_own(origin=None, site=None, scheme="http", allowed=None, **config) -> bool:
    environ = {"HTTP_HOST": "shop.example", "wsgi.url_scheme": scheme}
    if origin:
        environ["HTTP_ORIGIN"] = origin
    if site:
        environ["HTTP_SEC_FETCH_SITE"] = site
    settings = settings_table.load({f"CHAT_{name.upper()}": value for name, value in config.items()}, {})
    return origins.is_own(environ, settings, allowed)


@pytest.mark.parametrize(
    ("origin", "site", "own"),
    [
        (None, None, True),
        ("http://shop.example", None, True),
        ("http://shop.example", "same-origin", True),
        ("http://evil.example", None, False),
        ("null", None, False),
        (None, "same-origin", True),
        (None, "none", True),
        (None, "cross-site", False),
        (None, "same-site", False),
    ],
)
def test_whose_page_it_is(origin, site, own):
    assert is_own(origin, site) is own


def test_the_scheme_counts_where_tls_ends_here():
    assert is_own("https://shop.example", scheme="https")
    assert not is_own("http://shop.example", scheme="https")


def test_a_listed_origin_may_but_is_not_the_site_itself():
    assert is_own("https://other.example", allowed_origins="https://other.example")
    assert not is_own("https://other.example", allowed=(), allowed_origins="https://other.example")
