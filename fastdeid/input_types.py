"""What is opened: the path of a file, a member of an archive, or an object."""

from __future__ import annotations

from fastdeid.archives.members import Member
from fastdeid.objects import Info

Input = bytes | Member | Info
