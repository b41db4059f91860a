"""The labs of unit 9, attention, one file each.

Core: dictionary, leak, reverse, translate, and writer at the end. Deeper: scale, recall, shuffle. trained.py holds the
networks that begin with stored weights.
"""

from course.labs.attention.dictionary import SoftDictionary
from course.labs.attention.leak import MaskAndLeak
from course.labs.attention.recall import Bottleneck
from course.labs.attention.reverse import LearnTheMap
from course.labs.attention.scale import WhyTheRoot
from course.labs.attention.shuffle import ShuffleTest
from course.labs.attention.translate import Dates
from course.labs.attention.writer import Writer

__all__ = ["Bottleneck", "Dates", "LearnTheMap", "MaskAndLeak", "ShuffleTest", "SoftDictionary", "WhyTheRoot", "Writer"]
