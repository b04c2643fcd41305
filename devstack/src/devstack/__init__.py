"""The whole platform on one machine, without Docker: real servers from wheels, under one supervisor."""
