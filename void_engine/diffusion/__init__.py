"""The engine ``void``: Netflix's VOID model (video object and interaction deletion) on diffusers' classes.

``clip`` shows a shot to the model, ``model`` holds its networks, ``noise`` is where denoising starts and
``sampling`` is the denoising loop. Importing this package costs nothing; the modules that need torch import
it themselves.
"""
