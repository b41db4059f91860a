"""The course around nnlab: labs, units, checks and the command line. nnlab never imports it."""
