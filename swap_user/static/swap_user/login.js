/*
 * Count down the seconds until the code expires and until another one can be requested. The server
 * renders both numbers. The script measures only the time since the page was loaded, so the clocks
 * of the browser and the server may differ. Without this script the page shows both times in words.
 */
"use strict";

{
    const loaded = Date.now();
    const status = document.getElementById("otp-status");

    const say = (text) => {
        if (status && text) {
            status.textContent = text;
        }
    };

    const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

    /* Show the remaining time every second. Screen readers announce only the changes. */
    const countDown = (element, { atMinute = "", atEnd }) => {
        const total = Number(element.dataset.otpSeconds);
        let last = null;

        const tick = () => {
            const left = Math.max(0, Math.ceil(total - (Date.now() - loaded) / 1000));
            if (left !== last) {
                if (left > 0) {
                    element.textContent = element.dataset.otpRunning.replace("{time}", clock(left));
                }
                if (left <= 60 && last > 60) {
                    say(atMinute);
                }
                last = left;
            }
            if (left > 0) {
                setTimeout(tick, 250);
            } else {
                atEnd(total > 0);
            }
        };

        tick();
    };

    const life = document.querySelector(".otp-life");
    if (life) {
        /* In some looks, the next step is then another one: "Send a new code". */
        const step = life.closest("[data-otp-step]");
        countDown(life, {
            atMinute: life.dataset.otpSayMinute,
            atEnd: (justNow) => {
                life.textContent = life.dataset.otpOver;
                life.classList.add("otp-over");
                if (step) {
                    step.dataset.otpStep = "over";
                }
                if (justNow) {
                    say(life.dataset.otpSayOver);
                }
            },
        });
    }

    const wait = document.querySelector(".otp-wait");
    if (wait) {
        const buttons = wait.closest("form").querySelectorAll("button");
        const disable = (disabled) => {
            for (const button of buttons) {
                button.disabled = disabled;
            }
        };
        disable(true);
        countDown(wait, {
            atEnd: (justNow) => {
                disable(false);
                wait.textContent = wait.dataset.otpOver;
                if (justNow) {
                    say(wait.dataset.otpSayOver);
                }
            },
        });
    }
}
