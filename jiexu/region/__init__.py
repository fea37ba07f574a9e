"""The directory of pooling regions, and the port to a region's own insurance platform."""
