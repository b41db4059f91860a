"""The labs of unit 2, activations, one file each.

Core: slope, softmax, which_loss, outputs. Deeper: graveyard, two_classes, normalising.
"""

from course.labs.activations.graveyard import Graveyard
from course.labs.activations.normalising import SelfNormalising
from course.labs.activations.outputs import TwoOutputs
from course.labs.activations.slope import Slope
from course.labs.activations.softmax import Softmax
from course.labs.activations.two_classes import TwoClasses
from course.labs.activations.which_loss import WhichLoss

__all__ = ["Graveyard", "SelfNormalising", "Slope", "Softmax", "TwoClasses", "TwoOutputs", "WhichLoss"]
