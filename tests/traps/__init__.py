"""What real archives contain and tools get wrong: one test with bytes of its own for each trap.

The numbers are those of the project's list of traps; the tests that hold a trap say its number.

test_unknown_vr.py     1 2 3 4    UN, sequences in disguise, private VRs
test_lengths.py        5 6 9      group lengths, defined and undefined lengths, padding, odd lengths
test_encodings.py      7 8        big endian, deflated, character sets
test_conformance.py    10 41      Types, attributes that must not be dropped
test_identifiers.py    11 12 13 35 36   UIDs, references, keyed pseudonyms
test_dates.py          16 17 18 19 20   dates, times, ages
test_file_format.py    14 15 21 22 39 42   what stands around the data set, damaged files, names
test_private.py        23 24 33   private blocks, vendor headers, signatures
test_received.py       32 34      what the input says about itself
test_pixels.py         25 26 27 30 40   overlays, icons, fragments, samples copied as they are

Of pixel values alone: 28 and 29 (fill values), 31 (axes), 37 (faces), 38 (in-painting). This
version does not touch samples, which test_pixels.py holds for each kind of pixel data.
"""
