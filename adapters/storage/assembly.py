"""The stores of a service, as its settings ask for them. Making them touches no file."""

from pathlib import Path

from adapters.storage.bounded_calls import BoundedCalls
from adapters.storage.bounded_job_store import BoundedJobStore
from adapters.storage.bounded_pictures import BoundedPictureIndex, BoundedPictureStore
from adapters.storage.bounded_result_store import BoundedResultStore
from adapters.storage.files.folder_lock import FolderLock
from adapters.storage.files.picture_files import PictureFiles
from adapters.storage.files.result_files import ResultFiles
from adapters.storage.sql.database import SqlDatabase
from adapters.storage.sql.job_store import SqlJobStore
from adapters.storage.sql.picture_index import SqlPictureIndex
from application.ports.job_store import JobStore
from application.ports.picture_index import PictureIndex
from application.ports.picture_store import PictureStore
from application.ports.result_store import ResultStore
from application.ports.sole_use import SoleUse
from application.settings.settings import Settings

__all__ = ["Storage"]


class Storage:
    """All stores of one service. No call of any of them waits for ever.

    Attributes:
        jobs: The jobs, in the database.
        picture_index: The pictures of each caller, in the same database.
        results: The files of drawn pictures.
        pictures: The files of pictures that callers sent.
        sole_use: The lock of the folder that holds them.
    """

    def __init__(self, settings: Settings) -> None:
        calls = BoundedCalls()
        url = settings.database_url or f"sqlite:///{settings.job_file}"
        database = SqlDatabase(url, before_commit=calls.commit)
        self.jobs: JobStore = BoundedJobStore(SqlJobStore(database), calls)
        self.picture_index: PictureIndex = BoundedPictureIndex(SqlPictureIndex(database), calls)
        self.results = _results(Path(settings.data_dir, "results"))
        self.pictures = _pictures(Path(settings.data_dir, "pictures"))
        self.sole_use: SoleUse = FolderLock(settings.data_dir)


def _results(folder: Path) -> ResultStore:
    calls, writes = BoundedCalls(name="pictures"), BoundedCalls(2, name="new pictures")

    def commit() -> None:
        calls.commit()
        writes.commit()

    return BoundedResultStore(ResultFiles(folder, before_commit=commit), calls, writes)


def _pictures(folder: Path) -> PictureStore:
    calls = BoundedCalls(name="sent pictures")
    return BoundedPictureStore(PictureFiles(folder, before_commit=calls.commit), calls)
