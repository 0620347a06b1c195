"""The SWAP_USER setting: its keys, the type of a key, and keys that were renamed."""

from swap_user.conf.keys import (
    NAMESPACE,
    SwapUserSettings,
    configured,
    declared,
    swap_user_settings,
)

__all__ = ["NAMESPACE", "SwapUserSettings", "configured", "declared", "swap_user_settings"]
