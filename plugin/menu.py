"""Nuke runs this at every start with its GUI: menu and panel. No failure leaves this file."""

import logging

import nuke
import nukescripts

PANEL_ID = "org.void-for-nuke.panel"
_PANEL = "__import__('void_nuke.ui.panel', fromlist=['Panel']).Panel"


def open_void_panel() -> object:
    """Show the panel beside the Properties, or where there is room."""
    pane = nuke.getPaneFor(PANEL_ID) or nuke.getPaneFor("Properties.1")
    panel = nukescripts.registerWidgetAsPanel(_PANEL, "VOID", PANEL_ID, True)
    return panel.addToPane(pane) if pane is not None else panel.show()


def follow_opened_script() -> None:
    """Jobs that are under way in a script are followed, and read back, also while the panel is closed."""
    try:
        from void_nuke.panel.running import follow_script

        # Not inside Nuke's own loading: the script is whole only afterwards.
        nuke.executeInMainThread(follow_script)
    except Exception:
        logging.getLogger("void_nuke").exception(
            "the script's removals are not followed; open the VOID panel"
        )


def _start() -> None:
    # Imported now: a Nuke without the right Qt should say so at its start, and not when the panel is opened.
    import void_nuke.ui.panel  # noqa: F401

    nukescripts.registerWidgetAsPanel(_PANEL, "VOID", PANEL_ID)
    menu = nuke.menu("Nodes").addMenu("VOID", icon="VoidRemove.png")
    menu.addCommand("Panel", open_void_panel, icon="VoidPanel.png")
    menu.addCommand("Remove", "nuke.createNode('VoidRemove')", icon="VoidRemove.png")
    menu.addCommand("Quadmask", "nuke.createNode('VoidQuadmask')", icon="VoidQuadmask.png")
    nuke.addOnScriptLoad(follow_opened_script)


try:
    _start()
except Exception as error:  # noqa: BLE001 - Nuke has to start
    logging.getLogger("void_nuke").warning(
        "The VOID panel is off (%s: %s). Close Nuke and run: python3 installer nuke",
        type(error).__name__,
        error,
    )
