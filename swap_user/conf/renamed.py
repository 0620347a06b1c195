"""The keys of version 0.9.8 and their successors."""

# Maps each key of 0.9.8 to its successor, or to "" if it has none.
FORMER = {
    "OTP_LENGTH": "OTP_DIGITS",
    "OTP_ALPHABET": "",
    "OTP_PATTERN": "",
    "GET_OTP_SERVICE_CLASS": "",
    "CHECK_OTP_SERVICE_CLASS": "",
    "VALIDATION_SERVICE_CLASS": "",
    "INVALID_LOGIN_COUNTER_PATTERN": "",
    "SENT_OTP_COUNTER_PATTERN": "",
    "USER_BANNED_FOR_INVALID_LOGIN": "",
    "USER_BANNED_FOR_OTP_RATE_LIMIT_PATTERN": "",
    "BAN_FOR_INVALID_LOGIN_TIMEOUT": "",
    "BAN_FOR_OTP_RATE_LIMIT_TIMEOUT": "",
    "MAX_ATTEMPTS_OF_INVALID_LOGIN": "",
    "MAX_NUMBER_OF_OTP_SENT": "",
}
