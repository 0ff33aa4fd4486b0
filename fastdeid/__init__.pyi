from fastdeid.api import LinkTable as LinkTable
from fastdeid.api import Result as Result
from fastdeid.api import convert as convert
from fastdeid.api import deidentify as deidentify
from fastdeid.api import open_link_table as open_link_table
from fastdeid.api import verify as verify

__version__: str
