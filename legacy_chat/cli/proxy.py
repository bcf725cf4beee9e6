"""`flask chat proxy`: the configuration of a proxy in front of the site."""

from __future__ import annotations

import os

import click
from flask import current_app
from flask.cli import with_appcontext

from ..proxy import KINDS, Proxy, render
from ..web.pages import shipped


@click.command("proxy")
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--socket", metavar="PATH", help="The unix socket that gunicorn is bound to.")
@click.option("--upstream", metavar="HOST:PORT", help="Where gunicorn listens; default: 127.0.0.1 and $PORT or 8000.")
@click.option("--server-name", metavar="NAME", help="The site's name, such as shop.example.")
@click.option("--listen", multiple=True, metavar="ADDRESS", help="Of the proxy; default: 80, or 443; may be repeated.")
@click.option("--certificate", metavar="FILE", help="For TLS: the certificate with its chain.")
@click.option("--key", metavar="FILE", help="For TLS: its private key.")
@click.option("--static", is_flag=True, help="Let the proxy serve scripts and styles from disk.")
@with_appcontext
def proxy(kind, socket, upstream, server_name, listen, certificate, key, static) -> None:
    """Print a complete configuration for nginx, Apache or Caddy in front of the site."""
    if socket and upstream:
        raise click.UsageError("Name one: --socket or --upstream.")
    if bool(certificate) != bool(key):
        raise click.UsageError("--certificate and --key go together.")
    settings = current_app.extensions["legacy_chat"].settings
    try:
        given = Proxy(
            upstream=os.path.abspath(socket) if socket else upstream or f"127.0.0.1:{os.environ.get('PORT', '8000')}",
            server_name=server_name,
            listen=tuple(listen),
            certificate=certificate and os.path.abspath(certificate),
            key=key and os.path.abspath(key),
            static=shipped("static") if static else None,
        )
        click.echo(render(kind, settings, given), nl=False)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
