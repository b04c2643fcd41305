"""What can go wrong with a platform, as errors whose message is the line that the user reads."""

# The value of sysexits.h for a configuration error; the services stop with it as well.
EXIT_CONFIGURATION = 78


class StackError(Exception):
    """The platform cannot be started or reached."""

    exit_code = 1
    is_configuration = False


class ConfigurationError(StackError):
    """A setting has a wrong value; the message begins like the services' own."""

    exit_code = EXIT_CONFIGURATION
    is_configuration = True

    def __init__(self, line: str) -> None:
        super().__init__(f"configuration error: {line}")
