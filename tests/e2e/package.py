"""Looks at packaged functions: is each for x86_64 Linux, and how large is it?"""

import io
import pathlib
import sys
import zipfile

for path in map(pathlib.Path, sys.argv[1:]):
    binary = path.read_bytes()
    assert binary[:4] == b"\x7fELF" and binary[18:20] == b"\x3e\x00", f"{path} is not an x86_64 ELF binary"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("bootstrap", binary)
    size, zipped = len(binary) / 1e6, packed.tell() / 1e6
    print(f"{path.parent.name} for x86_64: {size:.2f} MB, zipped {zipped:.2f} MB")
