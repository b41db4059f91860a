"""The labs of unit 4, optimizers, one file each; rules.py holds the update rules, surfaces.py the race's landscapes.

Core: ravine, batches, adaptive, race, fair. Deeper: spring, correction, failures.
"""

from course.labs.optimizers.adaptive import OwnRates
from course.labs.optimizers.batches import Batches
from course.labs.optimizers.correction import BiasCorrection
from course.labs.optimizers.failures import WhereAdamFails
from course.labs.optimizers.fair import FairComparison
from course.labs.optimizers.race import Race
from course.labs.optimizers.ravine import Ravine
from course.labs.optimizers.spring import Spring

__all__ = ["Batches", "BiasCorrection", "FairComparison", "OwnRates", "Race", "Ravine", "Spring", "WhereAdamFails"]
