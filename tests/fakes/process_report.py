"""A process report that a test defines."""

from application.ports.process_report import ProcessMemory, ProcessReport

__all__ = ["FakeProcessReport"]


class FakeProcessReport(ProcessReport):
    """Reports `held`."""

    def __init__(self) -> None:
        self.held: ProcessMemory | None = ProcessMemory(used=1, total=4)

    @property
    def memory(self) -> ProcessMemory | None:
        return self.held
