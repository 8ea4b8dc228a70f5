"""Nuke runs this file at every start with its GUI. It adds menu and panel, and no failure leaves it."""

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
    """Follow the jobs that are under way in the opened script, and read them back, also while no panel is
    open."""
    try:
        from void_nuke.host.nuke_script import post_to_loop
        from void_nuke.panel.running import follow_script

        # This is posted rather than called: the script is whole only after Nuke has loaded it.
        post_to_loop(follow_script)
    except Exception:
        logging.getLogger("void_nuke").exception(
            "the script's removals are not followed; open the VOID panel"
        )


def _start() -> None:
    # Importing the panel here lets a Nuke without the right Qt say so at its start, not when the panel is
    # opened.
    import void_nuke.ui.panel  # noqa: F401

    nukescripts.registerWidgetAsPanel(_PANEL, "VOID", PANEL_ID)
    menu = nuke.menu("Nodes").addMenu("VOID", icon="VoidRemove.png")
    menu.addCommand("Panel", open_void_panel, icon="VoidPanel.png")
    menu.addCommand("Remove", "nuke.createNode('VoidRemove')", icon="VoidRemove.png")
    menu.addCommand("Quadmask", "nuke.createNode('VoidQuadmask')", icon="VoidQuadmask.png")
    nuke.addOnScriptLoad(follow_opened_script)


try:
    _start()
except Exception as error:  # noqa: BLE001 - Nuke has to start in any case
    logging.getLogger("void_nuke").warning(
        "The VOID panel is off (%s: %s). Close Nuke and run: python3 installer nuke",
        type(error).__name__,
        error,
    )
