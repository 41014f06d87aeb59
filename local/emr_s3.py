"""The local engine's S3: where runs get their files from, and leave their logs."""

import gzip
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError


class Missing(Exception):
    """An object that cannot be had; the text is the exception that Spark would die of."""


def fetch(uri: str, folder: Path) -> Path:
    """Copies an object into a folder, under its own name."""
    bucket, key = _split(uri)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / (Path(key).name or "object")
    try:
        _s3().download_file(bucket, key, str(file))
    except ClientError as fault:
        code = fault.response["Error"]["Code"]
        if code in ("404", "NoSuchKey", "NoSuchBucket"):
            raise Missing(f"java.io.FileNotFoundException: No such file or directory '{uri}'") from None
        raise Missing(f"java.nio.file.AccessDeniedException: {uri}: {fault} (Service: Amazon S3; Error Code: {code})") from None
    except BotoCoreError as fault:
        raise Missing(f"java.io.IOException: {uri}: {fault}") from None
    return file


def publish(prefix: str, files: dict[str, Path]) -> None:
    """Puts logs below a prefix, compressed as AWS does. Where there is no such bucket, they are lost, as on AWS."""
    bucket, key = _split(prefix.rstrip("/") + "/")
    for name, file in files.items():
        try:
            _s3().put_object(Bucket=bucket, Key=f"{key}{name}.gz", Body=gzip.compress(file.read_bytes() if file.exists() else b""))
        except (ClientError, BotoCoreError) as fault:
            print(f"The log {prefix}/{name}.gz could not be written: {fault}", flush=True)


def _split(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri)
    return parts.netloc, parts.path.lstrip("/")


@cache
def _s3():
    # A short patience: S3 is on this machine, or it is down.
    return boto3.client("s3", config=Config(connect_timeout=5, read_timeout=60, retries={"max_attempts": 2}, proxies={}))
