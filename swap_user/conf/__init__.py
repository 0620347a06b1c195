"""The SWAP_USER setting: its keys, the class of a key, and the keys of version 0.9.8."""

from swap_user.conf.keys import (
    NAMESPACE,
    SwapUserSettings,
    configured,
    declared,
    swap_user_settings,
)

__all__ = ["NAMESPACE", "SwapUserSettings", "configured", "declared", "swap_user_settings"]
