"""The chapter, in its order: images, network, losses, pixels, training, plots."""
