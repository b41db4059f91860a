"""Whole models of the course: one file each, built from the layers of nn where they are nets."""
