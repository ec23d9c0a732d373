"""A scripted SIP phone with audio, in the Python standard library alone: for the demo and the tests."""
