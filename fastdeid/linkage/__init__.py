"""Structured data joined to images: the same pseudonyms and date offsets in the site's tables."""
