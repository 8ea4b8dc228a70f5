"""Roto shapes read from the files of other programs: Nuke's scripts, Silhouette's and Natron's."""
