"""What store URLs mean, and which are refused."""

from __future__ import annotations

import ssl

import pytest

from threadkeep.engines.redis.links.settings import Login, Settings, Tls
from threadkeep.engines.redis.links.slots import Address
from threadkeep.engines.redis.links.url import SCHEMES, settings_of
from threadkeep.errors import UsageError
from threadkeep.model.urls import mask, parse_url

HOST = (Address("h", 6379),)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://h", Settings(HOST)),
        ("valkey://h/", Settings(HOST)),
        ("redis://h:7/3", Settings((Address("h", 7),), db=3)),
        ("redis://h?db=3&client_name=me", Settings(HOST, db=3, client_name="me")),
        ("redis://:p%40ss@h", Settings(HOST, login=Login(None, "p@ss"))),
        ("redis://u:p@[::1]:7", Settings((Address("::1", 7),), login=Login("u", "p"))),
        ("redis://[::1]", Settings((Address("::1", 6379),))),
        ("redis+unix:///run/r.sock?db=1", Settings((Address("/run/r.sock", 0),), db=1)),
        ("redis+unix://:p@/r.sock", Settings((Address("/r.sock", 0),), login=Login(None, "p"))),
        ("redis://h?timeout=1.5&connect_timeout=2", Settings(HOST, timeout=1.5, connect_timeout=2)),
        ("redis+cluster://h,i:7", Settings((*HOST, Address("i", 7)), mode="cluster")),
        (
            "valkey+sentinel://u:p@h,i:7/main/2?sentinel_password=q&failover_timeout=9",
            Settings(
                (Address("h", 26379), Address("i", 7)),
                mode="sentinel",
                service="main",
                login=Login("u", "p"),
                sentinel_login=Login(None, "q"),
                db=2,
                failover_timeout=9,
            ),
        ),
        ("rediss://h", Settings(HOST, tls=Tls(), sentinel_tls=Tls())),
        (
            "valkeys+cluster://h?ssl_ca_certs=/ca&ssl_certfile=/c&ssl_keyfile=/k&ssl_cert_reqs=none",
            Settings(
                HOST,
                mode="cluster",
                tls=(
                    tls := Tls(ca_file="/ca", cert_file="/c", key_file="/k", verify=ssl.CERT_NONE)
                ),
                sentinel_tls=tls,
            ),
        ),
    ],
)
def test_a_url(url: str, expected: Settings) -> None:
    assert settings_of(parse_url(url)) == expected


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis://", "names no host"),
        ("redis://h:0", "port"),
        ("redis://h:70000", "port"),
        ("redis://h:x", "port"),
        ("redis://h,i", r"\+cluster or \+sentinel"),
        ("redis://h/x", "database"),
        ("redis://h/1?db=1", "twice"),
        ("redis://h?db=-1", "database"),
        ("redis://u@h", "without a password"),
        ("redis://h?timeout=0", "timeout=0"),
        ("redis://h?timeout=nan", "timeout=nan"),
        ("redis://h?connect_timeout=soon", "seconds"),
        ("redis://h?nosuch=1", "unknown option 'nosuch'"),
        ("redis://h?ssl_ca_certs=/ca", "unknown option"),
        ("redis://h?sentinel_password=x", "unknown option"),
        ("redis://h?client_name=a%20b", "client_name"),
        ("rediss://h?ssl_cert_reqs=maybe", "required, none"),
        ("rediss://h?ssl_check_hostname=1", "true, false"),
        ("redis+sentinel://h", "names no service"),
        ("redis+sentinel://h/main/x", "database"),
        ("redis+unix://h/r.sock", "no unix socket"),
        ("redis+unix://", "no unix socket"),
    ],
)
def test_a_wrong_url(url: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        settings_of(parse_url(url))


def test_options_of_somebody_else() -> None:
    url = parse_url("redis://h?shards=4")
    assert settings_of(url, frozenset({"shards"})) == Settings(HOST)


def test_no_password_is_shown() -> None:
    url = "redis+sentinel://u:secret@h/main?sentinel_password=secret&nosuch=1"
    assert "secret" not in mask(url)
    with pytest.raises(UsageError) as caught:
        settings_of(parse_url(url))
    assert "secret" not in str(caught.value)
    assert "secret" not in mask("rediss://h?ssl_password=secret")


def test_every_scheme_is_read() -> None:
    for scheme in SCHEMES:
        path = "/path" if scheme.endswith("+unix") else "h/main" if "sentinel" in scheme else "h"
        settings_of(parse_url(f"{scheme}://{path}"))
    assert len(SCHEMES) == 14
