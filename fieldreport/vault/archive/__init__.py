"""Everything durable and sealed: tables, objects, changes, the audit log, the seat of an unlocked person."""
