"""What `make bench` measures: figures of this machine, compared within one run, never asserted."""
