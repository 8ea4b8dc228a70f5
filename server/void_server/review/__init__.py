"""Pages to review removals: pictures through the OCIO view, verdicts, notes and timelines for players."""
