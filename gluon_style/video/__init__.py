"""Frames in, flow, frames out, over any method."""
