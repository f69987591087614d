"""A bucket of S3, or of what speaks as it does. Who may write there says the environment, as for every AWS program.

Every request is tried several times, with pauses that grow; a read that is cut off goes on where it was.
"""

import io
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final, TypeVar

from warehouse.backup.store import PIECE_BYTES, S3, Entry
from warehouse.errors import BackupError, TargetUnreachable

try:
    import boto3
    from boto3.s3.transfer import TransferConfig
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError
    from urllib3.exceptions import HTTPError
except ImportError as missing:
    raise BackupError(
        "S3 needs a package that is not installed.", "`pip install 'newstore-warehouse[s3]'`", where="s3://"
    ) from missing

Answer = TypeVar("Answer")

CONNECT_SECONDS: Final = 10
READ_SECONDS: Final = 30
FIRST_PAUSE_SECONDS: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 10.0
# An object larger than this goes up in parts, each tried again by itself.
PART_BYTES: Final = 32 * 2**20
GONE: Final = frozenset({"404", "NoSuchKey"})
# What trying again does not mend.
REFUSED: Final = frozenset(
    {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "NoSuchBucket", "ExpiredToken", "PermanentRedirect"}
)


class S3Store:
    """The objects below a prefix of a bucket."""

    def __init__(self, target: str, attempts: int) -> None:
        bucket, _, prefix = target.removeprefix(S3).partition("/")
        if not bucket or "@" in bucket:
            raise BackupError("this is no bucket.", "name it as s3://BUCKET/PREFIX, keys go into the environment")
        self.address = f"{S3}{bucket}/{prefix}".rstrip("/")
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._attempts = attempts
        # At DEBUG it writes down whole requests, with what proves who sent them.
        logging.getLogger("botocore").setLevel(logging.INFO)
        # A session of its own finds the credentials as they are now.
        self._client: Any = boto3.session.Session().client(
            "s3",
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": attempts},
                # Not all that speak like S3 know the newer checksums; every object is read back and compared.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        self._parts = TransferConfig(
            multipart_threshold=2 * PART_BYTES, multipart_chunksize=PART_BYTES, use_threads=False
        )

    def put(self, name: str, source: BinaryIO, size: int) -> None:
        """Write it with one request, or in parts that become an object together."""

        def write() -> None:
            source.seek(0)
            if size <= PART_BYTES:
                # boto3 closes what it is given.
                self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=source.read())
            else:
                self._client.upload_fileobj(_Kept(source), self._bucket, self._prefix + name, Config=self._parts)

        self._try(write)

    def chunks(self, name: str) -> Iterator[bytes]:
        """Read it; what was cut off goes on behind the last byte that came."""
        done, failures = 0, 0
        while True:
            try:
                part = {"Range": f"bytes={done}-"} if done else {}
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name, **part)
                for piece in answer["Body"].iter_chunks(PIECE_BYTES):
                    done += len(piece)
                    yield piece
                return
            except (BotoCoreError, ClientError, HTTPError, OSError) as error:
                failures += 1
                self._judge(error, name, failures)

    def entries(self, prefix: str) -> Iterator[Entry]:
        """List them, a thousand with each request."""
        more: dict[str, str] = {}
        while True:
            page = self._try(self._lister(prefix, more))
            for found in page.get("Contents", ()):
                name = found["Key"].removeprefix(self._prefix)
                yield Entry(name, int(found["Size"]), found["LastModified"].timestamp())
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def delete(self, name: str) -> None:
        """Delete the object."""
        self._try(lambda: self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name))

    def remove_unfinished(self, before: float) -> None:
        """End uploads in parts that nobody finished: they cost money and are listed nowhere."""
        found = self._try(lambda: self._client.list_multipart_uploads(Bucket=self._bucket, Prefix=self._prefix))
        for upload in found.get("Uploads", ()):
            if upload["Initiated"].timestamp() < before:
                self._try(self._ender(upload["Key"], upload["UploadId"]))

    def _lister(self, prefix: str, more: dict[str, str]) -> Callable[[], Any]:
        return lambda: self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix + prefix, **more)

    def _ender(self, key: str, upload: str) -> Callable[[], Any]:
        return lambda: self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload)

    def _try(self, request: Callable[[], Answer]) -> Answer:
        failures = 0
        while True:
            try:
                return request()
            except (BotoCoreError, ClientError, HTTPError, OSError) as error:
                failures += 1
                self._judge(error, "", failures)

    def _judge(self, error: Exception, name: str, failures: int) -> None:
        """Wait before the next attempt, or raise. botocore has tried requests that it knows to be safe by then."""
        code = str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""
        if code in GONE and name:
            raise FileNotFoundError(name) from error
        if isinstance(error, NoCredentialsError | PartialCredentialsError):
            hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give this machine a role"
            raise BackupError("there are no credentials.", hint, where=self.address) from error
        if code in REFUSED:
            hint = "check the bucket's name and region, and what these credentials may do there"
            raise BackupError(f"S3 refuses: {code}.", hint, where=self.address) from error
        if failures >= min(self._attempts, 4):
            reason = code or type(error).__name__
            raise TargetUnreachable(
                f"S3 cannot be reached or fails: {reason}.",
                "try again; what is there already stays",
                where=self.address,
            ) from error
        time.sleep(min(FIRST_PAUSE_SECONDS * 2**failures, LONGEST_PAUSE_SECONDS))


class _Kept(io.RawIOBase):
    """A stream that stays open when whoever reads it closes it, so that it can be read again."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._source.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        return self._source.tell()
