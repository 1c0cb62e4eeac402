"""Headers under row keys, which are kept outside the database."""

from fieldreport.store import hide_column

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Hide the headers of letters and of replies."""
    hide_column("letters", "header")
    hide_column("replies", "header")
