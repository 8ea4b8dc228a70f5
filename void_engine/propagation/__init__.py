"""The propagation engine: it removes objects with the plate's own pixels, without weights or a GPU.

Hidden pixels are taken from other frames that show them (registration, light matching, fusion); what no frame
shows is synthesised. The folders are the steps of the method: ``motion``, ``reveal``, ``fill``, ``finish``.
docs/propagation.md explains the method, its limits and its figures. Importing this package costs nothing.
"""
