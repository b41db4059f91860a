"""The labs of unit 5, overfitting, one file each.

Core: polynomial, stopping, bench, augmented, peek. Deeper: memorise, descent.
"""

from course.labs.overfitting.augmented import Augmented
from course.labs.overfitting.bench import RegulariserBench
from course.labs.overfitting.descent import DoubleDescent
from course.labs.overfitting.memorise import Memorise
from course.labs.overfitting.peek import PeekCounter
from course.labs.overfitting.polynomial import DegreeAndData
from course.labs.overfitting.stopping import YouAreEarlyStopping

__all__ = ["Augmented", "DegreeAndData", "DoubleDescent", "Memorise", "PeekCounter", "RegulariserBench",
           "YouAreEarlyStopping"]
