"""A Docker engine: found, used for what one grade needs, and left as it was."""
