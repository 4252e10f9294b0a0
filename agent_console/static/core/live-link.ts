import { boot } from "./boot";
import { onLanguage, t } from "./i18n";
import { Live } from "./live";

/** The page's one live link, with its words. */
export const live = new Live(boot.live, (code) =>
  code === "no_link"
    ? t("Not connected to the desk. Nothing was sent; what you typed is kept here.")
    : t("The desk did not answer within 8 seconds. Look before you try again."),
);

// What the desk wrote (the card, what happened) is in the language that it knew when the page came.
onLanguage(() => live.renew());
