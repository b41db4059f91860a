"""The labs of the on-ramp: array shapes and axes, the derivative as a slope, the chain rule."""

from course.labs.start.axes import WhichAxis
from course.labs.start.chain import ChainRule
from course.labs.start.questions import ten_questions as ten_questions
from course.labs.start.slope import Slope

__all__ = ["ChainRule", "Slope", "WhichAxis"]
