"""Tests of fastdeid. Each is a sentence, with bytes that a reader of PS3.5 can check."""
