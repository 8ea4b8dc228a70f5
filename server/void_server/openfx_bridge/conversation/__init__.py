"""What goes between plug-in and bridge: messages as bytes, the fields of a request, the two streams."""
