"""What made a picture, kept beside it. No MXNet."""
