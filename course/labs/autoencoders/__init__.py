"""The labs of unit 7, autoencoders, one file each.

Core: bottleneck, latent, denoise. Deeper: linear, anomaly, variational.
"""

from course.labs.autoencoders.anomaly import AnomalyThreshold
from course.labs.autoencoders.bottleneck import Bottleneck
from course.labs.autoencoders.denoise import Denoising
from course.labs.autoencoders.latent import LatentMap
from course.labs.autoencoders.linear import LinearIsPCA
from course.labs.autoencoders.variational import Variational

__all__ = ["AnomalyThreshold", "Bottleneck", "Denoising", "LatentMap", "LinearIsPCA", "Variational"]
