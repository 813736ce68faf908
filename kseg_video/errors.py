"""The errors that kseg-video raises on purpose; each message says what is wrong and what to do."""


class KsegError(Exception):
    """Base of all errors that a caller may want to catch."""


class SettingsError(KsegError, ValueError):
    """A setting is out of range, or two settings contradict each other."""


class SourceError(KsegError):
    """The input cannot be found, opened or read."""


class SinkError(KsegError):
    """The output cannot be created, written or finished."""


class DisplayError(KsegError):
    """There is no screen to show a picture on."""
