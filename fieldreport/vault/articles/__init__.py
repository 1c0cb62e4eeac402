"""From cases to the site: drafts, materials, review, signatures, release."""
