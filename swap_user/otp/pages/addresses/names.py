"""URL names of the pages on which an address is confirmed, beside that of the change."""

from swap_user.otp.delivery import undo_link

UNDO, SIGN_UP = undo_link.URL_NAME, "sign-up"
