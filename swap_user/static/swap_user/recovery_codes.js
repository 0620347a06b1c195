/*
 * Copy, download and print the codes on the page, without a request: the server stores only hashes.
 * Without this script the buttons stay hidden, and the user can select the text.
 */
"use strict";

{
    const tools = document.getElementById("otp-tools");
    const list = document.getElementById("otp-codes");
    const said = document.getElementById("otp-said");
    const title = document.getElementById("otp-codes-title");
    const text = () => [...list.querySelectorAll("code")].map((code) => code.textContent).join("\n");

    /* Sites without HTTPS have no clipboard API. */
    const copySelected = () => {
        const selection = getSelection();
        selection.selectAllChildren(list);
        return document.execCommand("copy");
    };

    const copy = async () => {
        try {
            await navigator.clipboard.writeText(text());
            return true;
        } catch {
            return copySelected();
        }
    };

    document.getElementById("otp-copy").addEventListener("click", async () => {
        said.textContent = (await copy()) ? tools.dataset.otpCopied : "";
    });

    document.getElementById("otp-download").addEventListener("click", () => {
        const link = document.createElement("a");
        const file = new Blob([`${title.textContent}\n\n${text()}\n`], { type: "text/plain" });
        link.href = URL.createObjectURL(file);
        link.download = tools.dataset.otpFile;
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });

    document.getElementById("otp-print").addEventListener("click", () => print());

    tools.hidden = false;
}
