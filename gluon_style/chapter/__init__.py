"""The chapter: images, network, losses, pixels, training, plots, devices."""
