"""Whole models of the course: one file each, built from the layers of nn.py where they are nets."""
