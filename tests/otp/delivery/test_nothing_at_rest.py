"""After a code is sent, neither it nor its secret is stored anywhere."""

import logging

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.views.debug import ExceptionReporter

from swap_user.otp.authenticators.secrets import sent_authenticator
from swap_user.otp.store import scripts
from tests import ROOT
from tests.support import ask, enter, visitor

pytestmark = pytest.mark.django_db


def redis_content():
    """Return every key and value of Redis, as bytes."""
    with scripts._reached() as client:
        return b"\n".join(key + b"=" + read_whole(client, key) for key in client.keys("*"))


def read_whole(client, key):
    """Return what is stored at a key of any type."""
    match client.type(key):
        case b"string":
            return client.get(key)
        case b"hash":
            return repr(client.hgetall(key)).encode()
        case b"zset":
            return repr(client.zrange(key, 0, -1, withscores=True)).encode()
        case b"list":
            return repr(client.lrange(key, 0, -1)).encode()
        case other:
            raise ValueError(other)


def database_content():
    """Return every cell of every table, as text."""
    with connection.cursor() as cursor:
        cells = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            cells += [str(row) for row in cursor.fetchall()]
    return "\n".join(cells)


@pytest.mark.requirement("R30", "R27", "R41")
def test_after_a_send_neither_code_nor_secret_is_anywhere(user, settings, caplog, capsys):
    """Redis, sessions, database, dumpdata, log and error report are searched for both."""
    with caplog.at_level(logging.DEBUG):
        request = visitor()
        # So long a code is found nowhere by chance.
        settings.SWAP_USER = {**settings.SWAP_USER, "OTP_DIGITS": 10}
        code = ask(request)
        request.session.save()
        authenticator, secret = sent_authenticator(user)
        session = Session.objects.get(session_key=request.session.session_key)
        call_command("dumpdata")
        places = {
            "redis": redis_content().decode(),
            "database": database_content(),
            "session": repr(session.get_decoded()),
            "dumpdata": capsys.readouterr().out,
            "log": caplog.text,
            "repr": repr([authenticator, authenticator.__dict__]),
        }
    assert authenticator.secret in places["database"]
    assert str(user.pk) in places["log"]
    for place, content in places.items():
        assert content, place
        assert code not in content, place
        assert secret not in content, place


@pytest.mark.requirement("R41")
def test_an_error_report_shows_neither_code_nor_secret(user, settings, monkeypatch):
    """An exception in the middle of a verification is reported without them."""
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_DIGITS": 10}
    request = visitor("/login/", HTTP_HOST="testserver")
    code = ask(request)
    secret = sent_authenticator(user)[1]
    monkeypatch.setattr("swap_user.otp.verification.marks._TAKE", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError) as caught:
        enter(request, code)
    trace = caught.value.__traceback__
    while trace.tb_frame.f_code.co_filename.startswith(
        f"{ROOT}/tests/"
    ):  # those frames hold it by nature
        trace = trace.tb_next
    report = ExceptionReporter(request, caught.type, caught.value, trace)
    html = report.get_traceback_html() + report.get_traceback_text()
    assert "in verify" in html
    assert code not in html
    assert secret not in html
