"""Pictures: read, written, colored, masked, animated. No MXNet."""
