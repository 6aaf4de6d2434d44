"""Style transfer by a net in one pass: any painting, 26 styles, a learned one.

``stylize`` makes a picture, ``learn`` a style, ``styles`` keeps styles.
"""
