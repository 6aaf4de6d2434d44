"""Diffusion over a style's patches, guided by the chapter's losses.

``denoiser`` knows the style's patches, ``sampler`` goes from noise to a
picture, ``guidance`` keeps the content and the style's statistics, ``stylize``
is the whole.
"""
