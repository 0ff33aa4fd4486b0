"""A study-level corpus with an answer key, and a scorer of what became of it.

Nothing here knows how fastdeid works: the key says what a data protection officer and a researcher
want of each element, the scorer reads outputs with pydicom and as bytes.
"""
