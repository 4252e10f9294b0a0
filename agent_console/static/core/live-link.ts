import { boot } from "./boot";
import { t } from "./i18n";
import { Live } from "./live";

/** The page's one live link, with its words. */
export const live = new Live(boot.live, (code) =>
  code === "no_link"
    ? t("Not connected to the desk. Nothing was sent; what you typed is kept here.")
    : t("The desk did not answer within 8 seconds. Look before you try again."),
);
