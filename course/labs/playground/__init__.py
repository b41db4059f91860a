"""The playground: a whole net, drawn and trained live, with every choice of the course in the student's hand.

The lab is lab.py; data (and features), net (the very same that listing prints), picture, controls, yours (the student's
functions in the loop) and experiments (ten questions) are its parts.
"""

from course.labs.playground.lab import Playground

__all__ = ["Playground"]
