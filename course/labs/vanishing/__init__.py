"""The labs of unit 6, vanishing and exploding gradients, one file each; passes.py holds the passes and their theory.

Core: telephone, repair, cliff. Deeper: criticality, recurrent.
"""

from course.labs.vanishing.cliff import Cliff
from course.labs.vanishing.criticality import CriticalityMap
from course.labs.vanishing.recurrent import DepthInTime
from course.labs.vanishing.repair import FixIt
from course.labs.vanishing.telephone import Telephone

__all__ = ["Cliff", "CriticalityMap", "DepthInTime", "FixIt", "Telephone"]
