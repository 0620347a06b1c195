/*
 * Send the form when a whole code has come into the field at once: by paste, by autofill or from a
 * text message (WebOTP). It is never sent while someone types: then one character comes at a time.
 * Without this script the visitor presses the button.
 */
"use strict";

{
    const field = document.getElementById("id_otp");
    const form = field && field.form;

    /* Spaces, dashes and invisible characters may stand around and between the digits. */
    const isWhole = (text) => /^\d{6,10}$/.test(text.replace(/[\s\u200b-\u2015\u202a-\u202e\u2060-\u2069\ufeff-]/g, ""));

    const send = () => {
        if (!document.hidden && isWhole(field.value)) {
            form.requestSubmit();
        }
    };

    const listen = () => {
        let before = field.value.length;
        field.addEventListener("input", () => {
            const added = field.value.length - before;
            before = field.value.length;
            /* The shortest code has six digits. */
            if (added >= 6) {
                send();
            }
        });
    };

    /* https://wicg.github.io/web-otp/ */
    const readMessage = async () => {
        const reading = new AbortController();
        form.addEventListener("submit", () => reading.abort());
        try {
            const { code } = await navigator.credentials.get({
                otp: { transport: ["sms"] },
                signal: reading.signal,
            });
            field.value = code;
            send();
        } catch {
            /* The visitor has declined, or has sent the form. */
        }
    };

    if (form) {
        listen();
        if ("OTPCredential" in window) {
            readMessage();
        }
    }
}
