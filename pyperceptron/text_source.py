"""Read text from a file, a pipe or bytes: open, decompress and decode it, in pieces as they arrive."""

from __future__ import annotations

import os
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from io import BytesIO, TextIOBase

from pyperceptron.checks import named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, NoReturn

PIECE = 1 << 16  # bytes that are read at a time, and decompressed: what is made of them fits into the processor's cache
_ZIP = b"PK\x03\x04"
_COMPRESSED = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\x00": "xz", **{f"BZh{level}1AY&SY".encode(): "bz2" for level in range(1, 10)}}
_FORMATS = {  # with enough bytes not to be the name of a column
    b"PAR1\x15": "a Parquet file: read it with pyarrow, pandas, polars or DuckDB",
    b"ARROW1\x00\x00": "an Arrow file: read it with pyarrow, pandas or polars",
    b"FEA1\x00\x00": "a Feather file: read it with pyarrow or pandas",
    b"SQLite format 3\x00": "an SQLite database: export the table as CSV",
    b"%PDF-": "a PDF: copy the table into a CSV file",
    b"\xd0\xcf\x11\xe0": "an old Excel or other Office file: save it as CSV",
    b"\x28\xb5\x2f\xfd": "compressed by zstd: decompress it first, as `zstd -d` does",
    b"\x04\x22\x4d\x18": "compressed by lz4: decompress it first, as `lz4 -d` does",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive: unpack it first",
    b"Rar!\x1a": "a RAR archive: unpack it first",
    b"\x93NUMPY": "an array of NumPy: read it with numpy.load",
    b"\x89HDF": "an HDF5 file: read it with pandas or h5py",
    b"<!doctype html": "a web page: download the data themselves",
    b"<html": "a web page: download the data themselves",
    b"<?xml": "XML: convert it to CSV",
    b'{"': "JSON: convert it to CSV",
    b'[{"': "JSON: convert it to CSV",
}
_MARKS = {  # byte order marks, UTF-32's before UTF-16's, of which one is a beginning of it
    BOM_UTF8: "utf-8",
    BOM_UTF32_LE: "utf-32-le",
    BOM_UTF32_BE: "utf-32-be",
    BOM_UTF16_LE: "utf-16-le",
    BOM_UTF16_BE: "utf-16-be",
}


class UnreadableTextError(ValueError):
    """What is wrong with a character or byte, and the text of its piece that stands before it, which tells the line."""

    def __init__(self, reason: str, before: str) -> None:
        super().__init__(reason)
        self.before = before


def as_argument(option: str, value: Any) -> str:
    """Spell an option as an argument of Python."""
    return f"{option}={value!r}"


class TextSource:
    """A path, an open file, binary or text, or bytes, read as text; usable in `with`, which closes what it opened.

    whole       whether all is wanted, perhaps twice: what cannot seek is then kept; else texts come as soon as they arrive
    name        what errors call it
    bytes_read  how many bytes (of an open text file: characters) have been read in the present reading, before decompression
    """

    def __init__(self, source: Any, encoding: str, spell: Callable[[str, Any], str] = as_argument, *, whole: bool) -> None:
        self._encoding = _checked_encoding(encoding)
        self._spell = spell
        self._opened: Any = None
        self.bytes_read = 0
        self.name = "the file"
        if isinstance(source, (bytes, bytearray, memoryview)):
            self.name = "the data"
            self._file: Any = BytesIO(source)
        elif isinstance(source, (str, os.PathLike)):
            self.name = os.fspath(source) if isinstance(os.fspath(source), str) else os.fsdecode(source)
            if "\n" in self.name or "\r" in self.name:
                raise ValueError(
                    f"source is the text {named(self.name)}; expected a path, an open file or bytes: "
                    "write io.StringIO(text) to read a text itself"
                )
            self._file = self._opened = open(source, "rb", buffering=0)  # noqa: SIM115  closed by __exit__
        elif callable(getattr(source, "read", None)):
            self._file = source
            if isinstance(getattr(source, "name", None), str):
                self.name = {"<stdin>": "standard input"}.get(source.name, source.name)
        else:
            raise TypeError(f"source is {named(source)}; expected a path, an open file or bytes")
        self._whole = whole
        self._start = _position(self._file) if whole else None
        self._kept: list[Any] | None = [] if whole and self._start is None else None

    def __enter__(self) -> TextSource:
        return self

    def __exit__(self, *error: object) -> None:
        if self._opened is not None:
            self._opened.close()

    def texts(self) -> Iterator[str]:
        """Yield the text in pieces, as they arrive.

        Raises ValueError in one sentence if it is no text or damaged, UnreadableTextError at a byte that is none.
        """
        pieces = _from_the_first(self._pieces(), [*_COMPRESSED, _ZIP, *_FORMATS, *_MARKS])
        head = next(pieces, b"")
        if isinstance(head, str):
            self._refuse_formats(head[:32].encode("utf-8", "replace"))
            yield from self._checked(head, pieces)
            return
        self._refuse_formats(head)
        if head.startswith(_ZIP):
            pieces = self._unzipped(head, pieces)
        else:
            kind = next((kind for magic, kind in _COMPRESSED.items() if head.startswith(magic)), None)
            pieces = _chained(head, pieces)
            if kind is None:
                yield from self._decoded(pieces)
                return
            pieces = self._decompressed(pieces, kind)
        pieces = _from_the_first(pieces, [*_COMPRESSED, _ZIP, *_FORMATS, *_MARKS])
        head = next(pieces, b"")
        self._refuse_formats(head)
        if head.startswith((_ZIP, *_COMPRESSED)):
            raise ValueError(f"{self.name} is compressed twice: decompress it once")
        yield from self._decoded(_chained(head, pieces))

    def read_again(self) -> None:
        """Make the next call of `texts` begin at the beginning again; for a source that is read whole."""
        if self._start is not None:
            self._file.seek(self._start)

    def _pieces(self) -> Iterator[Any]:
        """Yield what the file holds, as bytes or texts, at most PIECE at a time and without waiting for so many."""
        self.bytes_read = 0
        if self._kept:
            for piece in self._kept:
                self.bytes_read += len(piece)
                yield piece
            return
        read = self._file.read
        if isinstance(self._file, TextIOBase):
            read = read if self._whole else self._file.readline
        elif hasattr(type(self._file), "read1"):  # of its own: a wrapper of codecs would hand on that of the bytes below it
            read = self._file.read1
        while True:
            try:
                piece = read(PIECE)
            except UnicodeDecodeError as error:
                found = f"{self.name} holds the byte 0x{error.object[error.start]:02x}, which is not {error.encoding}"
                raise ValueError(f"{found}: open it with its encoding, such as 'cp1252'") from None
            if piece is None:
                raise BlockingIOError(f"{self.name} has no data yet and does not wait for them: open it in blocking mode")
            if not piece:
                return
            self.bytes_read += len(piece)
            if self._kept is not None:
                self._kept.append(piece)
            yield piece

    def _refuse_formats(self, head: bytes) -> None:
        start = head[:32].lstrip()
        for magic, what in _FORMATS.items():
            if start.startswith(magic) or (magic[:1] == b"<" and start.lower().startswith(magic)):
                raise ValueError(f"{self.name} is {what}")

    def _decompressed(self, pieces: Iterator[bytes], kind: str) -> Iterator[bytes]:
        """Yield what one or more members of gzip, bz2 or xz hold, at most about PIECE at a time."""
        new, errors = _decompressor(kind)
        machine = None
        for piece in pieces:
            waiting = piece
            while True:
                if machine is None or machine.eof:
                    waiting = waiting.lstrip(b"\0") if machine is not None else waiting  # padding between members
                    if not waiting:
                        break
                    machine = new()
                try:
                    data = machine.decompress(waiting, PIECE)
                except errors as error:
                    raise ValueError(f"{self.name} is damaged: its {kind} data cannot be decompressed ({error})") from None
                if data:
                    yield data
                waiting = machine.unused_data if machine.eof else b""
                if not machine.eof and machine.needs_input:
                    break
        if machine is None or not machine.eof:
            raise ValueError(f"{self.name} is truncated: its {kind} data end too early")

    def _unzipped(self, head: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
        from zipfile import ZipFile

        try:
            archive = ZipFile(BytesIO(b"".join((head, *pieces))))
            members = [info for info in archive.infolist() if not info.is_dir()]
        except Exception as error:  # of many types, as for the reading below
            self._refuse_zip(error)
        names = [info.filename for info in members if not info.filename.startswith("__MACOSX/")]
        if any(name.startswith("xl/") for name in names):
            raise ValueError(f"{self.name} is an Excel file: save it as CSV")
        if "mimetype" in names or "[Content_Types].xml" in names:
            raise ValueError(f"{self.name} is an Office document: save its table as CSV")
        if len(names) != 1:
            shown = ", ".join(map(named, names[:8])) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
            raise ValueError(f"{self.name} is a zip of {len(names)} files ({shown}); expected exactly one: unpack it")
        try:
            with archive.open(names[0]) as member:
                while piece := member.read(PIECE):
                    yield piece
        except Exception as error:
            self._refuse_zip(error)

    def _refuse_zip(self, error: Exception) -> NoReturn:
        if isinstance(error, MemoryError):
            raise error
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ValueError(f"{self.name} is a zip that cannot be read ({reason}): unpack it first") from None

    def _decoded(self, pieces: Iterator[bytes]) -> Iterator[str]:
        from codecs import getincrementaldecoder

        pieces = _from_the_first(pieces, list(_MARKS))
        head = next(pieces, b"")
        mark, encoding = next(((mark, name) for mark, name in _MARKS.items() if head.startswith(mark)), (b"", self._encoding))
        decoder = getincrementaldecoder(encoding)()
        position = len(mark)
        for piece in _chained(head[len(mark) :], pieces, b""):
            try:
                text = decoder.decode(piece, not piece)
            except UnicodeDecodeError as error:
                start, data = error.start, error.object
                at = position - (len(data) - len(piece)) + start
                reason = f"holds the byte 0x{data[start]:02x} (byte {at} of the text, from 0), which is not {encoding}"
                raise UnreadableTextError(reason + self._remedy(), data[:start].decode(encoding, "replace")) from None
            except UnicodeError as error:
                raise ValueError(f"{self.name} is not {encoding} ({error}){self._remedy()}") from None
            position += len(piece)
            if "\0" in text:
                self._refuse_nul(text)
            if text:
                yield text

    def _checked(self, head: str, pieces: Iterator[str]) -> Iterator[str]:
        """Yield the texts of a text file without a byte order mark."""
        for piece in _chained(head.removeprefix(chr(0xFEFF)), pieces):
            if "\0" in piece:
                self._refuse_nul(piece)
            if piece:
                yield piece

    def _refuse_nul(self, text: str) -> NoReturn:
        at = text.index("\0")
        reason = "holds a NUL character; expected text: remove it"
        if len(text) > 3 and text.count("\0") * 4 > len(text):  # every other byte, or three of four
            encoding = ("utf-32-" if text.count("\0") * 2 > len(text) + 2 else "utf-16-") + ("be" if at == 0 else "le")
            reason = (
                f"holds NUL characters, as UTF-16 and UTF-32 do: write {self._spell('encoding', encoding)} if it is such a file"
            )
        raise UnreadableTextError(reason, text[:at])

    def _remedy(self) -> str:
        return f": name its encoding, such as {self._spell('encoding', 'cp1252')}"


def _checked_encoding(encoding: Any) -> str:
    from codecs import lookup

    if not isinstance(encoding, str):
        raise TypeError(f"encoding is {named(encoding)}; expected a name such as 'utf-8' or 'cp1252'")
    try:
        found = lookup(encoding)
        if not getattr(found, "_is_text_encoding", True):
            raise LookupError
        found.incrementaldecoder().decode(b"", True)
    except (LookupError, ValueError, TypeError):
        raise ValueError(
            f"encoding is {named(encoding)}; expected the name of an encoding, such as 'utf-8' or 'cp1252'"
        ) from None
    return found.name


def _position(file: Any) -> int | None:
    """Return the position of a file that can seek, else None."""
    try:
        position = file.tell()
        file.seek(position)
    except (AttributeError, OSError, ValueError):
        return None
    return position if isinstance(position, int) else None


def _chained(head: Any, pieces: Iterator[Any], *last: Any) -> Iterator[Any]:
    yield head
    yield from pieces
    yield from last


def _from_the_first(pieces: Iterator[Any], beginnings: list[bytes]) -> Iterator[Any]:
    """Yield the pieces, the first ones joined until they are too long to be only a part of one of the beginnings."""
    head: Any = None
    for piece in pieces:
        head = piece if head is None else head + piece
        if isinstance(head, str):
            break
        bare = head.lstrip()
        if not any(start.startswith((bare, bare.lower())) and start != bare for start in beginnings):
            break
    if head is not None:
        yield head
    yield from pieces


def _decompressor(kind: str) -> tuple[Callable[[], Any], tuple[type[Exception], ...]]:
    """Return what makes a decompressor of one member, and the exceptions that its data can raise."""
    if kind == "gzip":
        from zlib import error

        return _Gunzip, (error,)
    if kind == "bz2":
        from bz2 import BZ2Decompressor

        return BZ2Decompressor, (OSError, ValueError)
    from lzma import LZMADecompressor, LZMAError

    return LZMADecompressor, (LZMAError,)


class _Gunzip:
    """A decompressor of a gzip member with the methods of bz2's and lzma's."""

    def __init__(self) -> None:
        from zlib import MAX_WBITS, decompressobj

        self._machine = decompressobj(MAX_WBITS | 16)  # 16: with gzip's header and checksum
        self.needs_input = True

    def decompress(self, data: bytes, max_length: int) -> bytes:
        result = self._machine.decompress(self._machine.unconsumed_tail + data, max_length)
        self.needs_input = len(result) < max_length
        return result

    @property
    def eof(self) -> bool:
        return self._machine.eof

    @property
    def unused_data(self) -> bytes:
        return self._machine.unused_data
