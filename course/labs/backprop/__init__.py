"""The labs of unit 3, backpropagation, one file each; byhand.py holds the net whose gradients they compute by hand.

Core: graph, beats, injector. Deeper: shapes, microscope.
"""

from course.labs.backprop.beats import FourBeats
from course.labs.backprop.graph import GraphStepper
from course.labs.backprop.injector import BugInjector
from course.labs.backprop.microscope import GradientMicroscope
from course.labs.backprop.shapes import BackpropShapes

__all__ = ["BackpropShapes", "BugInjector", "FourBeats", "GradientMicroscope", "GraphStepper"]
