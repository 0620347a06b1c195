/*
 * Hold back a second press of a button while the answer to the first is on its way. The browser would
 * throw the first answer away, and with it the new session: the code would be used, and the visitor
 * would not be logged in. Without this script the next page says so.
 */
"use strict";

{
    /* Longer than servers and proxies let a request take. After it, no answer will come. */
    const SECONDS = 60;
    const forms = document.querySelectorAll("form[data-otp-once]");
    const status = document.getElementById("otp-status");
    let timer = null;

    const buttons = () => [...forms].flatMap((form) => [...form.querySelectorAll("[type=submit]")]);

    /* Not the attribute "disabled", with which a button loses the focus. */
    const release = () => {
        clearTimeout(timer);
        timer = null;
        for (const button of buttons()) {
            button.removeAttribute("aria-disabled");
        }
    };

    const hold = (form) => {
        timer = setTimeout(release, SECONDS * 1000);
        for (const button of buttons()) {
            button.setAttribute("aria-disabled", "true");
        }
        if (status && form.dataset.otpOnce) {
            status.textContent = form.dataset.otpOnce;
        }
    };

    for (const form of forms) {
        form.addEventListener("submit", (event) => {
            if (timer !== null) {
                event.preventDefault();
            } else if (!event.defaultPrevented) {
                hold(form);
            }
        });
    }

    /* The visitor has come back to this page, or has stopped the browser from loading the next one. */
    addEventListener("pageshow", release);
    addEventListener("keydown", (event) => {
        if (event.key === "Escape") {
            release();
        }
    });
}
