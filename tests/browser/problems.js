/* What is wrong with the layout of the page at this width, as a list of sentences. */
([language, skin]) => {
    const problems = [];
    const page = document.documentElement;
    const name = (element) => element.outerHTML.replace(/\s+/g, " ").slice(0, 110);
    const say = (what, element) => problems.push(`${innerWidth}: ${what}: ${name(element)}`);
    const isShown = (element) => {
        const { width, height } = element.getBoundingClientRect();
        return width > 1 && height > 1 && element.checkVisibility({ visibilityProperty: true });
    };

    if (page.lang !== language) {
        say("another language", page);
    }
    if (page.dir !== (language === "ar" ? "rtl" : "ltr")) {
        say("another direction", page);
    }
    if (page.scrollWidth > innerWidth) {
        problems.push(`${innerWidth}: the page sticks out sideways`);
    }

    /* In the admin, only what is ours. */
    const main = document.querySelector(skin === "own" ? "body" : "#content, main") || document.body;
    const all = [...main.querySelectorAll("*")].filter((each) => isShown(each) && !each.closest("svg"));
    for (const each of all) {
        /* What is typed into a field may be longer than it. */
        const mayScroll = each.matches("input, textarea") && each.value;
        if (!mayScroll && each.clientWidth && each.scrollWidth > each.clientWidth + 1) {
            say("cut off or sticking out", each);
        }
        const { left, right } = each.getBoundingClientRect();
        if (left < -1 || right > innerWidth + 1) {
            say("beside the page", each);
        }
    }

    /* Codes are read from left to right in each language. */
    for (const each of all.filter((one) => one.matches("code, #id_otp"))) {
        if (getComputedStyle(each).direction !== "ltr") {
            say("not from left to right", each);
        }
    }

    /* Targets: how large they are, and whether one is on top of another. */
    const targets = all.filter((each) => each.matches("a[href], button, input, select, summary"));
    const boxes = targets.map((each) => each.getBoundingClientRect());
    const isInText = (each) => getComputedStyle(each).display === "inline";
    const isChoice = (each) => each.matches("[type=checkbox], [type=radio]");
    targets.forEach((each, index) => {
        const box = boxes[index];
        const least = skin === "own" ? 44 : 24;
        if (!isInText(each) && !isChoice(each) && (box.height < least - 0.5 || box.width < least - 0.5)) {
            say(`smaller than ${least} pixels (${box.width} × ${box.height})`, each);
        }
        for (const other of boxes.slice(index + 1)) {
            const across = Math.min(box.right, other.right) - Math.max(box.left, other.left);
            const down = Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top);
            if (across > 1 && down > 1) {
                say("on top of another target", each);
            }
        }
    });

    /* The focus: in the first field with an error, else in the first one, if nothing has to be scanned before. */
    const fields = all.filter((each) => each.matches("input:not([type=hidden], [type=submit])"));
    const first = main.querySelector("[role=img]") ? undefined : fields[0];
    const wanted = fields.find((each) => each.matches("[aria-invalid=true]")) || first || document.body;
    if (document.activeElement !== wanted) {
        say("the focus is in another place", document.activeElement);
    }
    return problems;
}
