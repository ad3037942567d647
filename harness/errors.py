"""What the user can mend."""


class UserError(Exception):
    """Something that the user can put right; the message names it and the way out.

    The command line prints the message alone and exits with code 2.
    """
