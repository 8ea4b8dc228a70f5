"""Makes a command's options from the declaration of its settings, where each is named, checked and
explained."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin, get_type_hints

import typer

from void_server.errors import ServerSettingError
from void_server.settings.declaration import DeclaredSettings, Setting, as_typed, settings_of
from void_server.settings.kinds import Kind

Group = TypeVar("Group", bound=DeclaredSettings)


class Given(dict[str, Any], Generic[Group]):
    """The settings of a group that the command line gives: values by name, without those that it does not
    give."""


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command options in place of the parameters that are groups of settings.

    A parameter of type :class:`Given` takes the settings that are given. One that is a group of settings
    itself takes the group, made of given settings and defaults. A setting has an option when its declaration
    names one.
    """
    hints = get_type_hints(command, include_extras=True)
    groups = {name: group for name, hint in hints.items() if (group := _group_of(hint)) is not None}
    parameters = list(_expanded(command, hints, groups))

    @functools.wraps(command)
    def run(**values: Any) -> None:
        for name, group in groups.items():
            given = {
                setting.name: value
                for setting in _with_option(group)
                if (value := values.pop(setting.name)) is not None
            }
            values[name] = Given(given) if _only_given(hints[name]) else _made(group, given)
        command(**values)

    signature = inspect.Signature(parameters)
    run.__signature__ = signature  # type: ignore[attr-defined] # inspect looks for it
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _only_given(hint: Any) -> bool:
    return get_origin(hint) is Given


def _group_of(hint: Any) -> type[DeclaredSettings] | None:
    kind = get_args(hint)[0] if _only_given(hint) else hint
    return kind if isinstance(kind, type) and issubclass(kind, DeclaredSettings) else None


def _expanded(
    command: Callable[..., None], hints: dict[str, Any], groups: dict[str, type[DeclaredSettings]]
) -> Iterator[inspect.Parameter]:
    for name, parameter in inspect.signature(command).parameters.items():
        if name in groups:
            for setting in _with_option(groups[name]):
                # A command that asks for what was given looks into the environment itself.
                yield _parameter(setting, variable="" if _only_given(hints[name]) else setting.named.variable)
        else:
            yield parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)


def _made(group: type[DeclaredSettings], given: dict[str, Any]) -> DeclaredSettings:
    try:
        return group(**given)
    except ServerSettingError as error:
        options = {setting.name: setting.named.options[0] for setting in _with_option(group)}
        raise ServerSettingError(
            error.setting, as_typed(error.reason, options), options.get(error.setting, "")
        ) from None


def _with_option(group: type[DeclaredSettings]) -> Iterator[Setting]:
    return (setting for setting in settings_of(group) if setting.named.options)


def _parameter(setting: Setting, variable: str) -> inspect.Parameter:
    kind = setting.kind
    taken = _typed(kind)
    described = typer.Option(
        *setting.named.options,
        help=_help(setting),
        min=None if kind.is_size else kind.least,
        max=None if kind.is_size else kind.most,
        metavar="SIZE" if kind.is_size else None,
        envvar=variable or None,
        show_envvar=False,  # the default names it
        rich_help_panel=setting.section or None,
    )
    return inspect.Parameter(
        setting.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if setting.is_required else None,
        annotation=Annotated[taken if setting.is_required else taken | None, described],
    )


def _typed(kind: Kind) -> Any:
    """The type that typer reads: a size is text until the setting reads it, and a tuple is a list."""
    if kind.is_size:
        return str
    if kind.item is None:
        return kind.python_type
    item: Any = kind.item.python_type
    return list[item]


def _help(setting: Setting) -> str:
    # A default that is nothing is not worth a word.
    usual = setting.default
    is_nothing = not setting.named.otherwise and (usual is False or usual in (None, "", (), {}))
    default = "" if is_nothing else f" Default: {setting.default_in_words}."
    return f"{setting.description}{default}".replace("`", "")
