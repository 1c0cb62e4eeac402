"""From a cleared article to a public page: the article, its leak check, and the static site. Knows no keys."""
