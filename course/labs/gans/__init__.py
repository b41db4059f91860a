"""The labs of unit 8, generative adversarial networks, one file each, and the game that two of them play.

Core: judge, push, ring, digits. Deeper: dirac, which_kl. The game: game.
"""

from course.labs.gans.digits import DigitsFromNoise
from course.labs.gans.dirac import TwoPlayers
from course.labs.gans.judge import BestJudge
from course.labs.gans.push import WhichLossTeaches
from course.labs.gans.ring import RingOfEight
from course.labs.gans.which_kl import WhichKL

__all__ = ["BestJudge", "DigitsFromNoise", "RingOfEight", "TwoPlayers", "WhichKL", "WhichLossTeaches"]
