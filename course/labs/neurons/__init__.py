"""The labs of unit 1, neurons and layers, one file each.

Core: line, layers, xor, digits. Deeper: perceptron, pieces, labelings.
"""

from course.labs.neurons.digits import NeuronReadsDigits
from course.labs.neurons.labelings import Labelings
from course.labs.neurons.layers import ThroughTheLayers
from course.labs.neurons.line import OneNeuron
from course.labs.neurons.perceptron import PerceptronBound
from course.labs.neurons.pieces import CountThePieces
from course.labs.neurons.xor import Xor

__all__ = ["CountThePieces", "Labelings", "NeuronReadsDigits", "OneNeuron", "PerceptronBound", "ThroughTheLayers",
           "Xor"]
