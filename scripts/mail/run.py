"""Runs a command beside two mail servers and a receiver of webhooks with TLS, and looks at what they got from it."""

import asyncio
import email
import email.policy
import http.server
import logging
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import warnings
from pathlib import Path

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from standardwebhooks import Webhook, WebhookVerificationError

LOGIN = (b"joe", b"s/e cret@")


class Mailbox:
    """Takes mails, but for some recipients; of others it says nothing once it has the mail."""

    def __init__(self, folder):
        self.mails = []
        self.unanswered = []
        self.folder = folder

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("later@"):
            return "451 4.7.1 greylisted"
        if address.startswith("never@"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):
        [to] = envelope.rcpt_tos
        if to.startswith("dropped@"):
            self.unanswered.append(to)
            server.transport.abort()
            return "421 gone"
        if to.startswith("stalled@"):
            self.unanswered.append(to)
            # Longer than the client waits, who hangs up: that ends it.
            await asyncio.sleep(60)
        tls = server.transport.get_extra_info("ssl_object") is not None
        self.mails.append((tls, session.authenticated, envelope))
        mail = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        # The program that is tried reads its own mails, to follow their links.
        (self.folder / mail["Subject"]).write_text(mail.get_body(("plain",)).get_content())
        return "250 2.0.0 taken"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == LOGIN, handled=False)


class Hooks(http.server.BaseHTTPRequestHandler):
    taken = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Hooks.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def check_mail(envelope, tls, login):
    assert tls and login, "a mail came without TLS or login"
    mail = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
    assert not mail.defects, mail.defects
    assert envelope.mail_from == "alerts@nmc.example.com" and envelope.rcpt_tos == ["joe@example.com"], envelope
    assert mail["Subject"] == "Alert (high): Zu viele Anrufe in München", mail["Subject"]
    assert mail["From"] == "NeverMissCall <alerts@nmc.example.com>" and mail["To"] == "joe@example.com"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].endswith("@nmc.example.com>") and mail["References"].endswith("@nmc.example.com>")
    plain, html = (mail.get_body((kind,)).get_content().replace("\r\n", "\n") for kind in ("plain", "html"))
    assert plain == "Grüße, 12.5 > 10\n.\nend\n", repr(plain)
    assert "<p>Grüße, 12.5 &gt; 10</p>" in html, html


def check_linked(envelope, tls, login):
    assert tls and login and envelope.rcpt_tos == ["ann@example.com"], envelope
    mail = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
    assert not mail.defects and mail["Message-ID"].endswith("@nmc.example.com>"), mail
    plain, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    links = [word for word in plain.split() if word.startswith("https://nmc.example.com/")]
    assert links and all(f'href="{link}"' in html for link in links), (links, html)


def check_report(envelope, tls, login):
    assert tls and login, "a report came without TLS or login"
    mail = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
    assert not mail.defects, mail.defects
    assert mail["Subject"].startswith("Report of Müller & Söhne: "), mail["Subject"]
    plain, html = (mail.get_body((kind,)).get_content().replace("\r\n", "\n") for kind in ("plain", "html"))
    assert "Calls: 0\n" in plain and "Müller &amp; Söhne" in html, (plain, html)
    [file] = mail.iter_attachments()
    assert file.get_content_type() == "application/pdf" and file.get_filename().endswith(".pdf"), file.get_filename()
    assert file.get_content().startswith(b"%PDF"), "the file is no PDF"


def main():
    # The servers tell of each client that does not trust them, which is what some here are to do.
    logging.disable()
    warnings.simplefilter("ignore")
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    folder = tempfile.TemporaryDirectory()
    box = Mailbox(Path(folder.name))
    policy = {"authenticator": authenticate, "auth_required": True, "hostname": "127.0.0.1"}
    starttls = Controller(box, port=free_port(), tls_context=context, require_starttls=True, **policy)
    # Over TLS from the first byte AUTH needs no STARTTLS.
    wrapped = Controller(box, port=free_port(), ssl_context=context, auth_require_tls=False, **policy)
    hooks = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hooks)
    hooks.socket = context.wrap_socket(hooks.socket, server_side=True)
    threading.Thread(target=hooks.serve_forever, daemon=True).start()
    with folder, tempfile.TemporaryDirectory() as beside:
        trusted, secret = Path(beside, "authority.pem"), Path(beside, "secret")
        authority.cert_pem.write_to_path(trusted)
        for server in (starttls, wrapped):
            server.start()
        env = os.environ | {
            "SSL_CERT_FILE": str(trusted),
            "NMC_TEST_SMTP_PORT": str(starttls.port),
            "NMC_TEST_SMTPS_PORT": str(wrapped.port),
            "NMC_TEST_HOOKS_PORT": str(hooks.server_address[1]),
            "NMC_TEST_SECRET_FILE": str(secret),
            "NMC_TEST_MAILBOX": folder.name,
        }
        status = subprocess.run(sys.argv[1:], env=env, timeout=900).returncode
        for server in (starttls, wrapped):
            server.stop()
        if status:
            sys.exit(status)
        known = secret.read_text()
    to_joe = [mail for mail in box.mails if mail[2].rcpt_tos == ["joe@example.com"]]
    assert len(to_joe) == 2, f"{len(to_joe)} mails instead of one of each server"
    for tls, login, envelope in to_joe:
        check_mail(envelope, tls, login)
    [report] = [mail for mail in box.mails if mail[2].rcpt_tos == ["bea@example.com"]]
    tls, login, envelope = report
    check_report(envelope, tls, login)
    linked = [mail for mail in box.mails if mail not in to_joe and mail is not report]
    assert len(linked) == 4, f"{len(linked)} mails with links instead of one of each kind"
    for tls, login, envelope in linked:
        check_linked(envelope, tls, login)
    expected = sorted(2 * ["dropped@example.com", "stalled@example.com"])
    assert sorted(box.unanswered) == expected, f"{box.unanswered} came and got no answer"
    [(headers, body)] = Hooks.taken
    assert Webhook(known).verify(body, headers)["type"] == "alert.triggered"
    try:
        Webhook(known).verify(body + b" ", headers)
        sys.exit("a webhook that was changed counts as ours")
    except WebhookVerificationError:
        pass
    print("7 mails and a webhook arrived as they should")


main()
