"""How fast this machine is with twinscale, always next to a plain alternative measured in the same minutes.

Absolute times hold for one machine and one moment. What is compared is measured in turns, so that a busy neighbour
slows both; what counts is the medians.
"""
