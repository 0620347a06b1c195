"""The SWAP_USER setting: its keys and limits, their classes, and former keys."""

from swap_user.conf.keys import (
    NAMESPACE,
    SwapUserSettings,
    configured,
    declared,
    swap_user_settings,
)

__all__ = ["NAMESPACE", "SwapUserSettings", "configured", "declared", "swap_user_settings"]
