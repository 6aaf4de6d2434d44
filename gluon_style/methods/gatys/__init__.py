"""Style transfer by optimizing pixels: the chapter, made fast."""
