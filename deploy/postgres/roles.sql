-- Roles with no more rights than their zone needs, and a database for each zone. Run once as the server's superuser:
--
--     psql -f deploy/postgres/roles.sql postgres
--
-- then give each role a way in (pg_hba.conf: peer, or a password with \password), and make the tables as the owner:
--
--     FIELDREPORT_INTAKE_MAILBOX=postgresql://fieldreport_owner@/fieldreport_mailbox fieldreport migrate mailbox
--     FIELDREPORT_DESK_VAULT=postgresql://fieldreport_owner@/fieldreport_vault fieldreport migrate vault
--
-- The zones' own settings name fieldreport_intake and fieldreport_desk. They read and change rows; they make, alter and
-- drop no table, and see nothing of the other zone: they cannot even connect to its database.

\set ON_ERROR_STOP on

CREATE ROLE fieldreport_owner LOGIN;
CREATE ROLE fieldreport_intake LOGIN;
CREATE ROLE fieldreport_desk LOGIN;

CREATE DATABASE fieldreport_mailbox OWNER fieldreport_owner TEMPLATE template0 ENCODING 'UTF8';
CREATE DATABASE fieldreport_vault OWNER fieldreport_owner TEMPLATE template0 ENCODING 'UTF8';
REVOKE ALL ON DATABASE fieldreport_mailbox, fieldreport_vault FROM PUBLIC;
GRANT CONNECT ON DATABASE fieldreport_mailbox TO fieldreport_intake;
GRANT CONNECT ON DATABASE fieldreport_vault TO fieldreport_desk;

\connect fieldreport_mailbox
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO fieldreport_intake;
ALTER DEFAULT PRIVILEGES FOR ROLE fieldreport_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO fieldreport_intake;

\connect fieldreport_vault
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO fieldreport_desk;
ALTER DEFAULT PRIVILEGES FOR ROLE fieldreport_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO fieldreport_desk;
