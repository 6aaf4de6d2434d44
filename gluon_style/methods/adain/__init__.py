"""Style transfer by adaptive instance normalization: any style in one pass.

Huang & Belongie 2017. An encoder sees, ``adain`` gives the content's features
the style's means and deviations, and a decoder paints what has them.
"""
