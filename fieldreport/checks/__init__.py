"""What is looked at to say whether an installation is well: for ``doctor`` and for the desk's page."""
