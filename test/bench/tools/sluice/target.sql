select id, name, attributes, updated_at from sluice.account
