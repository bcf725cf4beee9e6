import pytest

from legacy_chat.proxy import listen


@pytest.mark.parametrize(
    ("address", "written"), [("8443", "*:8443"), ("127.0.0.1:8443", "127.0.0.1:8443"), ("[::]:80", "[::]:80")]
)
def test_a_bare_port_is_no_name_to_apache(address, written):
    assert listen.apache(address) == written


@pytest.mark.parametrize(
    ("addresses", "name", "sites", "bind"),
    [
        (["8443"], None, [":8443"], []),
        (["8443"], "shop.example", ["shop.example:8443"], []),
        (["*:8443"], "shop.example", ["shop.example:8443"], []),
        (["80", "[::]:80"], None, [":80"], []),
        (["127.0.0.1:8443"], None, [":8443"], ["127.0.0.1"]),
        (["127.0.0.1:80", "[::1]:80"], "shop.example", ["shop.example:80"], ["127.0.0.1", "[::1]"]),
        (["127.0.0.1"], "shop.example", ["shop.example"], ["127.0.0.1"]),
        (["http://:8080"], "shop.example", ["http://shop.example:8080"], []),
        (["shop.example:8443", "8444"], None, ["shop.example:8443", ":8444"], []),
        (["shop.example"], None, ["shop.example"], []),
    ],
)
def test_to_caddy_what_stands_before_a_port_is_a_name(addresses, name, sites, bind):
    assert listen.caddy(tuple(addresses), name) == (sites, bind)


def test_what_one_block_of_a_caddyfile_cannot_say_is_refused():
    with pytest.raises(ValueError, match="the same addresses"):
        listen.caddy(("127.0.0.1:80", "8443"), None)
