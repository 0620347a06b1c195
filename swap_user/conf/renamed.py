"""What the settings of 0.9.8 are called now."""

# What settings of 0.9.8 became; "" where nothing takes their place.
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
