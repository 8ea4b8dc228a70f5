"""``void keys``: says who may use the server, and manages the keys of both sides."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from void_protocol.errors import KeyFileError
from void_protocol.keys import fingerprint, home_folder, read_key_file, server_public_key_file
from void_server.access import key_commands
from void_server.cli.terminal import PlainTable, Terminal, say, say_json

HomeOption = Annotated[
    Path | None, typer.Option(help="The server's home folder; default: VOID_HOME or ~/.void-nuke.")
]
app = typer.Typer(help="Manage who may use the server, and the keys of both sides.", no_args_is_help=True)


@app.command("list")
def list_clients(
    home: HomeOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array, for programs.")] = False,
) -> None:
    """Show the clients that the server lets in."""
    clients = key_commands.listed_clients(home_folder(home))
    if as_json:
        rows = [
            {
                "name": client.name,
                "key": None if client.public is None else client.public.decode(),
                "fingerprint": None if client.public is None else fingerprint(client.public),
                "added_at": client.added_at,
                "problem": client.problem,
            }
            for client in clients
        ]
        say_json(rows)
        return
    table = PlainTable("name", "fingerprint", "added", box=None)
    for client in clients:
        what = client.problem if client.public is None else fingerprint(client.public)
        table.add_row(client.name, what, time.strftime("%Y-%m-%d %H:%M", time.localtime(client.added_at)))
    Terminal(soft_wrap=True).print(table)


@app.command()
def show(home: HomeOption = None) -> None:
    """Show this user's public key, to be sent to whoever runs the server, and the server's."""
    folder = home_folder(home)
    own = key_commands.own_public_key(folder)
    say(f"own key     {own.decode()}")
    say(f"            {fingerprint(own)}")
    try:
        server, _ = read_key_file(server_public_key_file(folder))
    except KeyFileError:
        say(f"server key  none here: put the server's server.key into {folder / 'keys'}")
        return
    say(f"server key  {server.decode()}")
    say(f"            {fingerprint(server)}")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="The client's name in jobs and logs.")],
    key: Annotated[str, typer.Argument(help="Its public key (40 characters), or a file that holds it.")],
    home: HomeOption = None,
) -> None:
    """Let a client in that has made its own keys ('void keys show' prints them)."""
    file = Path(key)
    public = read_key_file(file)[0] if len(key) != 40 or file.is_file() else key.encode()
    key_commands.add_client(home_folder(home), name, public)
    say(f"{name} is let in: {fingerprint(public)}")


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="The name in 'void keys list'.")], home: HomeOption = None
) -> None:
    """Stop letting a client in. Its connections end at once; its jobs go on."""
    key_commands.revoke_client(home_folder(home), name)
    say(f"{name} is let in no more")


@app.command("new-client")
def new_client(
    name: Annotated[str, typer.Argument(help="The client's name in jobs and logs.")],
    folder: Annotated[Path, typer.Argument(help="The home folder to make, private to its owner.")],
    endpoint: Annotated[
        str | None, typer.Option(help="The server's address for it; default: where it listens now.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Make keys for a client, let it in, and write a home folder for its machine."""
    folder = folder.expanduser().absolute()
    public = key_commands.new_client(home_folder(home), name, folder, endpoint)
    say(f"{name} is let in: {fingerprint(public)}")
    say(f"move {folder} to its machine over a private way, point VOID_HOME at it, and delete it here")


@app.command("rotate-server")
def rotate_server(home: HomeOption = None) -> None:
    """Make new keys for the server, which must be stopped. Every other machine needs the new server.key."""
    folder = home_folder(home)
    public = key_commands.renew_server(folder)
    say(f"the server's key is now {fingerprint(public)}")
    say(f"start the server, and copy {server_public_key_file(folder)} into keys/ of every client's home")


@app.command("rotate-local")
def rotate_local(home: HomeOption = None) -> None:
    """Make new keys for the user of the server's machine. The old ones stop working."""
    public = key_commands.renew_local_client(home_folder(home))
    say(f"the local user's key is now {fingerprint(public)}")
