"""Requests made from the schemas of an API, with Hypothesis, for the tests of a client's own encoder.

The only part of the package that needs Hypothesis, an extra: nothing else may import it but the command that asks for
samples. Which rules of a schema a sample exercises, or breaks, is not left to chance: every place and rule is a goal,
and the samples take the goals in turn. What a goal leaves open is Hypothesis's choice. No sample is taken
that the engine itself does not admit, or refuse, as was intended.
"""
