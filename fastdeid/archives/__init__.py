"""Archives as input: tar, tar.gz and zip, member by member, without unpacking them to disk."""
