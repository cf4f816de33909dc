"""Classical reduction by a whole number: kernels, and methods that look at the picture.

=========== =========================================================================================================
name        each small pixel is
=========== =========================================================================================================
nearest     the full-size pixel at the centre of its block
bilinear    a mean weighted by a triangle two blocks wide
area        the mean of its block
bicubic     a mean weighted by Keys' cubic four blocks wide
lanczos     a mean weighted by a windowed sinc six blocks wide
dpid        the mean of its block, weighted by the distance from the surroundings' colour (Weber et al. 2016)
perceptual  what makes structural similarity to the full-size picture highest (Öztireli and Gross 2015)
l0          what has few gradients and suits most full-size pixels (after Liu, He and Lau 2018)
=========== =========================================================================================================
"""

from twinscale.images.downscaling.methods import KERNELS, METHODS, SCALES, check, downscale

__all__ = ["KERNELS", "METHODS", "SCALES", "check", "downscale"]
